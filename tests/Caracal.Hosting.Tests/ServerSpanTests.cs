using System.Collections.Concurrent;
using System.Diagnostics;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Tracing;
using Caracal.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Caracal.Hosting.Tests;

public sealed class ServerSpanTests : IDisposable
{
    private const string Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private readonly string role = "spans" + Guid.NewGuid().ToString("N");
    private readonly ConcurrentQueue<Activity> ended = new();
    private readonly StringWriter log = new();
    private ActivityListener? listener;

    public void Dispose() => listener?.Dispose();

    [Fact]
    public async Task Nothing_is_made_while_nobody_listens()
    {
        Assert.Equal("no span", await AskAsync("/things/1", Parent));
        Assert.DoesNotContain("trace_id", log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_continues_its_callers_trace_by_its_route_and_its_log_lines_name_it()
    {
        Listen();
        Assert.Equal("span", await AskAsync("/things/secret-in-a-path", Parent));

        var span = Assert.Single(ended);
        Assert.Equal(("GET /things/{id}", ActivityKind.Server), (span.DisplayName, span.Kind));
        Assert.Equal(Parent, $"00-{span.TraceId}-{span.ParentSpanId}-01");
        Assert.Equal(("/things/{id}", 200, null), (span.GetTagItem("http.route"), span.GetTagItem("http.response.status_code"), span.GetTagItem("error.type")));
        Assert.DoesNotContain(span.TagObjects, tag => tag.Value?.ToString()?.Contains("secret", StringComparison.Ordinal) == true);
        Assert.Contains($"\"trace_id\":\"{span.TraceId}\",\"span_id\":\"{span.SpanId}\",\"request_id\":\"{span.GetTagItem("caracal.request_id")}\"", log.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/nowhere", "GET", 404, null, null)]
    [InlineData("/refused", "GET /refused", 409, "taken", null)]
    [InlineData("/broken", "GET /broken", 500, "internal_error", "500")]
    public async Task A_refusal_is_told_by_its_code_and_only_a_fault_of_ours_is_an_error(string path, string name, int status, string? refusal, string? error)
    {
        Listen();
        await AskAsync(path, Parent);

        var span = Assert.Single(ended);
        Assert.Equal(
            (name, status, refusal, error),
            (span.DisplayName, span.GetTagItem("http.response.status_code"), span.GetTagItem("caracal.refusal"), span.GetTagItem("error.type")));
        Assert.Equal(error is null ? ActivityStatusCode.Unset : ActivityStatusCode.Error, span.Status);
    }

    [Theory]
    [InlineData("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    [InlineData("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")]
    [InlineData("junk")]
    public async Task A_malformed_parent_begins_a_trace_of_its_own(string parent)
    {
        Listen();
        await AskAsync("/things/1", parent);

        Assert.Equal(default, Assert.Single(ended).ParentSpanId);
    }

    [Fact]
    public async Task Probes_are_not_traced_and_invented_methods_have_one_name()
    {
        Listen();
        await AskAsync("/health", Parent);
        Assert.Empty(ended);

        await AskAsync("/things/1", Parent, "BREW");
        Assert.Equal("_OTHER", Assert.Single(ended).GetTagItem("http.request.method"));
    }

    private void Listen()
    {
        listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Spans.SourcePrefix + role,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
    }

    private async Task<string> AskAsync(string path, string parent, string method = "GET")
    {
        using var logging = new JsonLineLogging(TextWriter.Synchronized(log), LogLevel.Information, "1", "test");
        await using var server = RoleServer.Create(
            new RoleServerOptions { Role = role, Listen = new ListenSettings { Host = "127.0.0.1", Port = 0 }, RequestIdRule = RequestIdRule.Visible }, logging);
        var logger = logging.CreateLogger(role);
        server.Application.MapGet("/things/{id}", () =>
        {
            ServiceLog.Listening(logger, role, "http://127.0.0.1:1");
            return Activity.Current is null ? "no span" : "span";
        });
        server.Application.MapGet("/refused", (Microsoft.AspNetCore.Http.HttpContext context) => ErrorBody.WriteAsync(context, new Refusal(409, "taken")));
        server.Application.MapGet("/broken", string () => throw new InvalidOperationException("of ours"));
        await server.StartAsync(default);
        using var http = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        using var request = new HttpRequestMessage(new HttpMethod(method), server.Address + path);
        request.Headers.TryAddWithoutValidation("traceparent", parent);
        using var answer = await http.SendAsync(request);
        return await answer.Content.ReadAsStringAsync();
    }
}
