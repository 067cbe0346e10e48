using System.Text;
using Caracal.Protocol.Exchange;

namespace Caracal.Gateway.Exchange;

/// <summary>The form of an exchange, in the order of vector V1; its bytes are what the signature covers.</summary>
internal static class ExchangeForm
{
    private const string GrantType = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
    private const string TokenType = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";

    public static byte[] ToBytes(ExchangeRequest request)
    {
        var form = new StringBuilder(request.SubjectToken.Length + 512);
        Append(form.Append("application_id="), request.ApplicationId);
        Append(form.Append("&gateway_request_id="), request.RequestId);
        form.Append("&grant_type=").Append(GrantType);
        if (request.McpOperation is { } operation) Append(form.Append("&mcp_operation="), operation);
        Append(form.Append("&request_method="), request.Method);
        Append(form.Append("&request_path="), request.Path);
        Append(form.Append("&resource="), request.Resource);
        Append(form.Append("&subject_token="), request.SubjectToken.Span);
        form.Append("&subject_token_type=").Append(TokenType);
        Append(form.Append("&zone_id="), request.ZoneId);
        return Encoding.ASCII.GetBytes(form.ToString());
    }

    private static void Append(StringBuilder form, ReadOnlySpan<char> value) =>
        form.Append(Uri.EscapeDataString(value).Replace("%20", "+", StringComparison.Ordinal));
}
