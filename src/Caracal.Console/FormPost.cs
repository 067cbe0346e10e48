using System.Security.Cryptography;
using System.Text;
using Caracal.Console.SignIn;
using Microsoft.AspNetCore.Http;

namespace Caracal.Console;

/// <summary>What our own forms send.</summary>
internal static class FormPost
{
    private const int MostFields = 16;
    private const int LongestForm = 16 * 1024;

    /// <summary>The field that carries <see cref="ConsoleSession.FormId"/>.</summary>
    public const string FormId = "form";

    /// <summary>True when the browser says that another site sent it; what is no browser says nothing, and has no cookie either.</summary>
    public static bool IsFromElsewhere(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"] is [{ } site] && site is not ("same-origin" or "none");

    /// <summary>The fields; none when the body is no form or too long.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> ReadAsync(HttpRequest request)
    {
        if (!request.HasFormContentType) return new Dictionary<string, string>();
        var options = new Microsoft.AspNetCore.Http.Features.FormOptions
        {
            ValueCountLimit = MostFields,
            BufferBodyLengthLimit = LongestForm,
            KeyLengthLimit = 64,
            ValueLengthLimit = 8192,
        };
        try
        {
            var form = await new Microsoft.AspNetCore.Http.Features.FormFeature(request, options).ReadFormAsync(request.HttpContext.RequestAborted);
            return form.ToDictionary(field => field.Key, field => field.Value.ToString(), StringComparer.Ordinal);
        }
        catch (InvalidDataException)
        {
            return new Dictionary<string, string>();
        }
    }

    /// <summary>True when the form was made for this sign-in.</summary>
    public static bool Belongs(IReadOnlyDictionary<string, string> form, ConsoleSession session) =>
        CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(form.GetValueOrDefault(FormId, "")), Encoding.UTF8.GetBytes(session.FormId));
}
