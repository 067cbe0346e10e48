using System.Text.Json;

namespace Caracal.ControlPlane.AdminAudit;

/// <summary>The names a body touched, never its values (api.md 3).</summary>
/// <param name="Names">Sorted dotted names, at most 64, at most three deep.</param>
/// <param name="Secret">A member that carries a secret was among them; its name is left out.</param>
internal sealed record ChangedFields(IReadOnlyList<string> Names, bool Secret)
{
    private const int MostNames = 64;
    private const int Deepest = 3;

    private static readonly HashSet<string> SecretNames =
    [
        "client_secret", "secret", "password", "token", "private_key", "api_key", "assertion", "bearer_token", "access_token", "refresh_token",
    ];

    public static ChangedFields Of(JsonElement? body)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        var secret = body is { ValueKind: JsonValueKind.Object } element && Collect(element, "", 1, names);
        return new ChangedFields([.. names.Take(MostNames)], secret);
    }

    private static bool Collect(JsonElement element, string prefix, int depth, SortedSet<string> names)
    {
        var secret = false;
        foreach (var member in element.EnumerateObject())
        {
            // A name is a caller's text too: a long one is cut, so that it cannot fill the ledger.
            var name = prefix + (member.Name.Length <= 128 ? member.Name : member.Name[..128]);
            if (SecretNames.Contains(member.Name)) secret = true;
            else if (depth < Deepest && member.Value.ValueKind == JsonValueKind.Object && member.Value.EnumerateObject().Any())
            {
                secret |= Collect(member.Value, name + ".", depth + 1, names);
            }
            else names.Add(name);
        }

        return secret;
    }
}
