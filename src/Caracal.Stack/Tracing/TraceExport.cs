using Caracal.Hosting;
using Caracal.Hosting.StsCalls;
using Caracal.Hosting.Tracing;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Caracal.Stack.Tracing;

/// <summary>
/// Sends the spans of each role of this process to a collector, as a service of its own. A collector that is away costs
/// spans and nothing else: they leave in the background, out of a bounded queue.
/// </summary>
internal sealed class TraceExport : IDisposable
{
    private const int SendEveryMilliseconds = 1_000;
    private const int LongestSendMilliseconds = 3_000;

    private readonly List<TracerProvider> _providers = [];

    /// <summary>Begins to listen for a role.</summary>
    /// <param name="role">Its name; the service is called <c>caracal-&lt;role&gt;</c>.</param>
    /// <param name="version">Build version.</param>
    /// <param name="settings">Where to.</param>
    public void Add(string role, string version, TraceSettings settings)
    {
        // The operator's attributes last: they may say more of where this runs, also another name.
        var resource = ResourceBuilder.CreateEmpty()
            .AddService("caracal-" + role, serviceVersion: version, serviceInstanceId: ServiceInstance.Id)
            .AddAttributes(settings.Attributes.Select(pair => KeyValuePair.Create(pair.Key, (object)pair.Value)));
        _providers.Add(Sdk.CreateTracerProviderBuilder()
            .AddSource(Spans.SourcePrefix + role)
            .SetResourceBuilder(resource)
            .SetSampler(Sampler(settings.Share))
            .AddOtlpExporter(options => Configure(options, settings))
            .Build());
    }

    /// <summary>Sends what is left, as long as a send may take.</summary>
    public void Dispose() => _providers.ForEach(provider => provider.Dispose());

    // A caller's flag decides nothing: anybody may send one. The trace's id does, so roles with one share agree on a whole trace.
    private static ParentBasedSampler Sampler(double share)
    {
        var byId = new TraceIdRatioBasedSampler(share);
        return new ParentBasedSampler(byId, remoteParentSampled: byId, remoteParentNotSampled: byId);
    }

    private static void Configure(OtlpExporterOptions options, TraceSettings settings)
    {
        options.Protocol = OtlpExportProtocol.HttpProtobuf;
        options.Endpoint = settings.Endpoint;
        options.TimeoutMilliseconds = LongestSendMilliseconds;
        options.ExportProcessorType = ExportProcessorType.Batch;
        options.BatchExportProcessorOptions.ScheduledDelayMilliseconds = SendEveryMilliseconds;
        options.BatchExportProcessorOptions.ExporterTimeoutMilliseconds = LongestSendMilliseconds;
        options.Headers = settings.Headers?.Reveal() ?? "";
        options.HttpClientFactory = () => new HttpClient(StsHttp.Handler(settings.Authorities))
        {
            Timeout = TimeSpan.FromMilliseconds(LongestSendMilliseconds),
        };
    }
}
