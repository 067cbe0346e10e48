using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Caracal.Gateway.Overrides;

/// <summary>Which bodies can ask for another method, and how they are read for it (docs/decisions/0007).</summary>
internal static class BodyOverrides
{
    private static readonly SearchValues<char> TypeEnds = SearchValues.Create(";, \t\v\f");
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
        var isMultipart = type.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase);
        var isForm = isMultipart || type.IsEmpty || type.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase);
        if (IsJson(stated) && !isMultipart) // a multipart body begins with its delimiter, and so is no JSON
        {
            scan = new JsonScan(method);
            return !isForm && HasReadableCharset(stated);
        }

        if (!isForm)
        {
            return true;
        }

        var boundary = isMultipart ? Boundary(stated) : null;
        scan = isMultipart ? new MultipartScan(boundary ?? "", method) : new FormScan(method);
        return HasReadableCharset(stated) && isMultipart == boundary is not null && headers.ContentEncoding.Count == 0;
    }

    // As PHP cuts it, and at whatever else readers trim: a tab before the parameters is nothing to Rack, Node and .NET.
    private static ReadOnlySpan<char> TypeOf(string stated)
    {
        var text = stated.AsSpan().Trim();
        var end = text.IndexOfAny(TypeEnds);
        return end < 0 ? text : text[..end];
    }

    // Anywhere in the header: that is where Laravel looks, also among the parameters.
    private static bool IsJson(string stated) =>
        stated.Contains("/json", StringComparison.OrdinalIgnoreCase) || stated.Contains("+json", StringComparison.OrdinalIgnoreCase);

    private static bool HasReadableCharset(string stated)
    {
        if (!stated.Contains("charset", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        return MediaTypeHeaderValue.TryParse(stated, out var type)
            && IsNamedOnce(stated, "charset", type.Charset.Value)
            && AsciiLike.Contains(HeaderUtilities.RemoveQuotes(type.Charset).ToString(), StringComparer.OrdinalIgnoreCase);
    }

    // PHP and Tomcat take what follows the word, wherever it stands: in the name of another parameter, or in its value.
    private static bool IsNamedOnce(string stated, string name, string? value) => Count(stated, name) == 1 + Count(value, name);

    private static int Count(string? text, string word)
    {
        var count = 0;
        for (var rest = text.AsSpan(); rest.IndexOf(word, StringComparison.OrdinalIgnoreCase) is var at and >= 0; rest = rest[(at + word.Length)..])
        {
            count++;
        }

        return count;
    }

    private static string? Boundary(string stated)
    {
        if (!MediaTypeHeaderValue.TryParse(stated, out var type) || !IsNamedOnce(stated, "boundary", type.Boundary.Value))
        {
            return null;
        }

        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).ToString();
        return boundary.Length is > 0 and <= 200 && !boundary.Contains('\\', StringComparison.Ordinal) ? boundary : null;
    }
}
