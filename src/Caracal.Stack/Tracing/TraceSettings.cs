using System.Globalization;
using Caracal.Hosting.Settings;
using Caracal.Keys.Certificates;
using Caracal.Keys.Secrets;

namespace Caracal.Stack.Tracing;

/// <summary>Where the spans of one role go (operations.md 6.4): the standard OTLP variables.</summary>
internal sealed record TraceSettings
{
    private const string TracesPath = "/v1/traces";

    /// <summary><c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, with <c>/v1/traces</c> at its end.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary><c>OTEL_EXPORTER_OTLP_HEADERS</c>: <c>name=value</c> by commas, what the collector asks for.</summary>
    public SecretText? Headers { get; init; }

    /// <summary><c>OTEL_RESOURCE_ATTRIBUTES</c>.</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary><c>OTEL_TRACES_SAMPLER_ARG</c>: the share, 0 to 1, of all traces, told by their ids; a caller's flag does not count.</summary>
    public double Share { get; init; } = 1;

    /// <summary><c>CARACAL_TLS_EXTRA_CA_FILE</c>.</summary>
    public required ExtraAuthorities Authorities { get; init; }

    /// <summary>Null while no endpoint is set: then nothing is traced.</summary>
    public static TraceSettings? Read(SettingsReader reader)
    {
        if (reader.Text("OTEL_EXPORTER_OTLP_PROTOCOL") is { } protocol and not "http/protobuf")
        {
            reader.Fault($"OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, not '{protocol}'");
        }

        var endpoint = reader.Text("OTEL_EXPORTER_OTLP_ENDPOINT") is null ? null : reader.ServiceUrl("OTEL_EXPORTER_OTLP_ENDPOINT", null);
        var headers = reader.Secrets.Find("OTEL_EXPORTER_OTLP_HEADERS")?.Value;
        var attributes = ReadAttributes(reader);
        var share = ReadShare(reader);
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out _)) return null;
        var root = endpoint.TrimEnd('/');
        return new TraceSettings
        {
            Endpoint = new Uri(root.EndsWith(TracesPath, StringComparison.Ordinal) ? root : root + TracesPath),
            Headers = headers,
            Attributes = attributes,
            Share = share,
            Authorities = ExtraAuthorities.Load(reader.Text("CARACAL_TLS_EXTRA_CA_FILE")),
        };
    }

    private static double ReadShare(SettingsReader reader)
    {
        if (reader.Text("OTEL_TRACES_SAMPLER_ARG") is not { } text) return 1;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1) return share;
        reader.Fault("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1");
        return 1;
    }

    private static Dictionary<string, string> ReadAttributes(SettingsReader reader)
    {
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in reader.List("OTEL_RESOURCE_ATTRIBUTES"))
        {
            var at = pair.IndexOf('=', StringComparison.Ordinal);
            if (at > 0) attributes[pair[..at].Trim()] = Uri.UnescapeDataString(pair[(at + 1)..].Trim());
            else reader.Fault("OTEL_RESOURCE_ATTRIBUTES must be name=value pairs, separated by commas");
        }

        return attributes;
    }
}
