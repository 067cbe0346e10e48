using System.Globalization;

namespace Caracal.Cli.Hardening;

/// <summary>The series of a service's metrics page by their full names, labels included.</summary>
internal static class MetricsPage
{
    /// <summary>Null when the service does not tell, which is unseen to the verdict.</summary>
    public static async Task<Dictionary<string, double>?> ReadAsync(Deployment deployment, string service, Verdict verdict, CancellationToken stop)
    {
        var reply = await deployment.Services.MetricsAsync(service, stop);
        if (reply.Status != 200)
        {
            verdict.Unseen(reply.Answered ? $"{service} answers {reply.Status} to /metrics" : reply.Body);
            return null;
        }

        return Read(reply.Body);
    }

    /// <summary>The series of a page.</summary>
    public static Dictionary<string, double> Read(string page)
    {
        var series = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var line in page.Split('\n'))
        {
            var at = line.LastIndexOf(' ');
            if (at > 0 && line[0] != '#' && double.TryParse(line[(at + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var value)) series[line[..at]] = value;
        }

        return series;
    }
}
