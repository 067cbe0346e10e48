using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.SubjectIssuers;

namespace Caracal.ControlPlane.SubjectIssuers;

/// <summary>An issuer of federated users: its row on the wire and the rule of its URLs (api.md 11.2).</summary>
internal static class SubjectIssuerFields
{
    public static string? HttpsUrl(Fields fields, string name)
    {
        if (fields.OptionalText(name, 1, 2048) is not { } text) return null;
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttps && url.Host.Length > 0
            && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0 && !text.EndsWith('?') && !text.EndsWith('#')
                ? text
                : fields.Note(name, "must be an https URL without user information, query and fragment");
    }

    public static void Write(Utf8JsonWriter writer, SubjectIssuerRow issuer)
    {
        writer.WriteString("id", issuer.Id);
        writer.WriteString("zone_id", issuer.ZoneId);
        writer.WriteString("issuer", issuer.Issuer);
        writer.WriteString("jwks_url", issuer.JwksUrl);
        writer.WriteString("audience", issuer.Audience);
        writer.Times(issuer);
        writer.Attribution(issuer);
    }
}
