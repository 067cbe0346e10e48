using Microsoft.AspNetCore.Http;

namespace Caracal.Console.Layout;

/// <summary><c>GET /console.css</c>.</summary>
internal static class StyleSheet
{
    private static readonly byte[] Content = Read();

    public static async Task HandleAsync(HttpContext context)
    {
        context.Response.ContentType = "text/css; charset=utf-8";
        context.Response.ContentLength = Content.Length;
        context.Response.Headers.CacheControl = "max-age=300";
        PageWriter.Protect(context.Response.Headers);
        await context.Response.Body.WriteAsync(Content, context.RequestAborted);
    }

    private static byte[] Read()
    {
        using var stream = typeof(StyleSheet).Assembly.GetManifestResourceStream("console.css")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
