namespace Caracal.Verifier.Tests.Support;

/// <summary>Test vector V4 of gateway.md.</summary>
internal static class VectorV4
{
    public const string Issuer = "https://sts.example.com";
    public const string Audience = "resource://api";
    public const string Zone = "zone-1";

    public const string Jwks = """{"keys":[{"kty":"EC","x":"6s8a2w9kJ-iupLkOnbGJyFpm9xGpaDzYde4blPeyErg","y":"zWqHlUUy2gRXyDBKLN71XWVr4gbddI-s7OrMMwtLnQo","crv":"P-256","kid":"test-kid-1","alg":"ES256","use":"sig"}]}""";

    public const string Token = "eyJhbGciOiJFUzI1NiIsImtpZCI6InRlc3Qta2lkLTEiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL3N0cy5leGFtcGxlLmNvbSIsInN1YiI6InVzZXItMSIsImF1ZCI6WyJyZXNvdXJjZTovL2FwaSJdLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwianRpIjoiMDE4ZjdkNmEtOGY0YS03ZDlmLTlhNTQtNWU0ZmQ3ZGYwMDAxIiwiem9uZV9pZCI6InpvbmUtMSIsImNsaWVudF9pZCI6ImFwcC0xIiwic2NvcGUiOiJyZWFkIHdyaXRlIiwic2lkIjoiYXItMSIsInJvb3Rfc2lkIjoiYXItcm9vdCIsInVzZSI6InJlc291cmNlIiwic3ViX3R5cGUiOiJ1c2VyIiwidGFyZ2V0IjpbInJlc291cmNlOi8vYXBpIl0sImFnZW50X3Nlc3Npb25faWQiOiJzZXNzLWNoaWxkIiwiZGVsZWdhdGlvbl9lZGdlX2lkIjoiZWRnZS0xIiwic291cmNlX3Nlc3Npb25faWQiOiJzZXNzLXBhcmVudCIsInRhcmdldF9zZXNzaW9uX2lkIjoic2Vzcy1jaGlsZCIsImRlbGVnYXRpb25fcGF0aCI6WyJlZGdlLTEiXSwiZGVsZWdhdGlvbl9jaGFpbiI6W3siYXBwbGljYXRpb25faWQiOiJhcHAtcGFyZW50IiwiYWdlbnRfc2Vzc2lvbl9pZCI6InNlc3MtcGFyZW50IiwiZGVsZWdhdGlvbl9lZGdlX2lkIjoiZWRnZS0xIn0seyJhcHBsaWNhdGlvbl9pZCI6ImFwcC0xIiwiYWdlbnRfc2Vzc2lvbl9pZCI6InNlc3MtY2hpbGQifV0sImhvcF9jb3VudCI6MSwiZGVsZWdhdGlvbl9ncmFwaF9lcG9jaCI6N30.k5ojEfNufFjVbW348JrP1ftsyjedUwMQATYd8pRP3suw9MZoRp4zVO_XSe9_5FUPadRtR0ikn6erlp0UvmDeVA";
}
