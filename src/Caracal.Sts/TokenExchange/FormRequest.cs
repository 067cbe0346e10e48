using Caracal.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Caracal.Sts.TokenExchange;

/// <summary>Steps 1 and 2 of sts.md 2.1: method, query, media type, size, shape; the same for every endpoint that takes a form.</summary>
internal readonly record struct FormRequest(FormFields? Form, byte[] Body, Refusal? Refusal)
{
    private const int LargestBody = 65_536;

    public static async ValueTask<FormRequest> ReadAsync(HttpContext context)
    {
        var request = context.Request;
        if (!HttpMethods.IsPost(request.Method))
        {
            context.Response.Headers.Allow = "POST";
            return Refused(StsErrors.MethodNotAllowed);
        }

        if (request.QueryString.HasValue)
        {
            return Refused(StsErrors.QueryNotAllowed);
        }

        if (!IsForm(request.ContentType))
        {
            return Refused(StsErrors.MediaType);
        }

        if (await BodyReader.ReadAsync(context, LargestBody) is not { } body)
        {
            return Refused(StsErrors.BodyTooLarge);
        }

        if (FormFields.TryParse(body) is not { } form)
        {
            return Refused(StsErrors.BadForm);
        }

        return form.Duplicate is { } duplicate
            ? Refused(StsErrors.BadForm.With($"duplicate form field: {(duplicate.Length > 64 ? duplicate[..64] : duplicate)}"))
            : new FormRequest(form, body, null);
    }

    private static FormRequest Refused(Refusal refusal) => new(null, [], refusal);

    private static bool IsForm(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var media)
        && media.MediaType.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase);
}
