using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Caracal.Gateway.Overrides;

/// <summary>Which bodies can ask for another method, and how they are read for it (docs/decisions/0007).</summary>
internal static class BodyOverrides
{
    private static readonly string[] AsciiLike = ["utf-8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252"];

    /// <summary>
    /// False when an upstream could read the body otherwise than it is read here. <paramref name="scan"/> is null for a body
    /// that no framework takes a method from.
    /// </summary>
    public static bool TryScan(IHeaderDictionary headers, string method, out BodyScan? scan)
    {
        scan = null;
        if (!HttpMethods.IsPost(method))
        {
            return true; // everywhere, only a POST can become something else by its body
        }

        if (headers.ContentType.Count > 1)
        {
            return false;
        }

        var stated = headers.ContentType.ToString();
        var type = TypeOf(stated);
        if (IsJson(type))
        {
            scan = new JsonScan(method);
            return HasReadableCharset(stated);
        }

        var isMultipart = type.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase);
        if (!isMultipart && !type.IsEmpty && !type.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        var boundary = isMultipart ? Boundary(stated) : null;
        scan = isMultipart ? new MultipartScan(boundary ?? "", method) : new FormScan(method);
        return HasReadableCharset(stated) && isMultipart == boundary is not null && headers.ContentEncoding.Count == 0;
    }

    // As PHP cuts it; the others cut at less.
    private static ReadOnlySpan<char> TypeOf(string stated)
    {
        var text = stated.AsSpan().Trim();
        var end = text.IndexOfAny(';', ',', ' ');
        return end < 0 ? text : text[..end];
    }

    private static bool IsJson(ReadOnlySpan<char> type) =>
        type.EndsWith("/json", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase);

    private static bool HasReadableCharset(string stated)
    {
        if (!stated.Contains("charset", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        return MediaTypeHeaderValue.TryParse(stated, out var type)
            && IsNamedOnce(type, "charset")
            && AsciiLike.Contains(HeaderUtilities.RemoveQuotes(type.Charset).ToString(), StringComparer.OrdinalIgnoreCase);
    }

    // "boundary*" is the same parameter to some readers.
    private static bool IsNamedOnce(MediaTypeHeaderValue type, string name) =>
        type.Parameters.Count(parameter => parameter.Name.StartsWith(name, StringComparison.OrdinalIgnoreCase)) == 1;

    private static string? Boundary(string stated)
    {
        if (!MediaTypeHeaderValue.TryParse(stated, out var type) || !IsNamedOnce(type, "boundary"))
        {
            return null;
        }

        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).ToString();
        return boundary.Length is > 0 and <= 200 && !boundary.Contains('\\', StringComparison.Ordinal) ? boundary : null;
    }
}
