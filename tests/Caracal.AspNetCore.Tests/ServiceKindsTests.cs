using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Caracal.Testing;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.AspNetCore.Tests;

/// <summary>Mandates before a gRPC service and before a controller, as one asks for them there.</summary>
public sealed class ServiceKindsTests : IAsyncLifetime
{
    private const string Audience = "resource://reports";

    private readonly TestSts _sts = new();
    private WebApplication _application = null!;
    private Uri _address = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        builder.Services.AddCaracal(_ => _sts.VerifierOptions(Audience));
        builder.Services.AddGrpc();
        builder.Services.AddControllers().AddApplicationPart(typeof(LedgerController).Assembly);
        _application = builder.Build();
        _application.UseAuthentication();
        _application.UseAuthorization();
        _application.MapGrpcService<Echo>();
        _application.MapControllers();
        await _application.StartAsync();
        _address = Addresses().First();
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _sts.Dispose();
    }

    [Fact]
    public async Task A_grpc_service_answers_its_scope_alone_and_others_by_the_codes_of_grpc()
    {
        using var channel = GrpcChannel.ForAddress(_address);
        async Task<string> CallAsync(string? token)
        {
            var headers = new Metadata();
            if (token is not null) headers.Add("authorization", "Bearer " + token);
            using var call = channel.CreateCallInvoker().AsyncUnaryCall(EchoBase.Say, null, new CallOptions(headers), "ping");
            return await call.ResponseAsync;
        }

        Assert.Equal("ping", await CallAsync(_sts.Mint(new TestMandate(Audience) { Scopes = ["echo:say"] })));
        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => CallAsync(null))).StatusCode);
        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => CallAsync("a.b.c"))).StatusCode);
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => CallAsync(_sts.Mint(new TestMandate(Audience) { Scopes = ["other"] })))).StatusCode);
    }

    [Fact]
    public async Task A_controllers_scope_holds_for_its_actions_and_an_actions_own_replaces_it()
    {
        using var http = new HttpClient { BaseAddress = Addresses().Last() };
        async Task<HttpStatusCode> GetAsync(string path, params string[]? scopes)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (scopes is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _sts.Mint(new TestMandate(Audience) { Scopes = scopes }));
            using var answer = await http.SendAsync(request);
            return answer.StatusCode;
        }

        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync("/ledger", null));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync("/ledger", "ledger:write"));
        Assert.Equal(HttpStatusCode.OK, await GetAsync("/ledger", "ledger:read"));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync("/ledger/secrets", "ledger:read"));
        Assert.Equal(HttpStatusCode.OK, await GetAsync("/ledger/secrets", "ledger:secrets")); // gateway.md B1: lists replace
    }

    private IEnumerable<Uri> Addresses() =>
        _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address));

    /// <summary>What the compiler of gRPC generates.</summary>
    [BindServiceMethod(typeof(EchoBase), nameof(Bind))]
    public abstract class EchoBase
    {
        private static readonly Marshaller<string> Text = new(Encoding.UTF8.GetBytes, Encoding.UTF8.GetString);

        /// <summary>The method as it is on the wire.</summary>
        public static Method<string, string> Say { get; } = new(MethodType.Unary, "test.Echo", nameof(SayAsync), Text, Text);

        /// <summary>Called by the host to learn the methods.</summary>
        public static void Bind(ServiceBinderBase binder, EchoBase? service) =>
            binder.AddMethod(Say, service is null ? null : new UnaryServerMethod<string, string>(service.SayAsync));

        /// <summary>Says what it was told.</summary>
        public abstract Task<string> SayAsync(string text, ServerCallContext context);
    }

    /// <summary>A service with a scope.</summary>
    [RequireMandate("echo:say")]
    public sealed class Echo : EchoBase
    {
        /// <inheritdoc />
        public override Task<string> SayAsync(string text, ServerCallContext context) => Task.FromResult(text);
    }
}

/// <summary>A controller with a scope, and an action with one of its own.</summary>
[ApiController]
[Route("ledger")]
[RequireMandate("ledger:read")]
public sealed class LedgerController : ControllerBase
{
    /// <summary>Needs the controller's scope.</summary>
    [HttpGet]
    public string Read() => "read";

    /// <summary>Needs its own.</summary>
    [HttpGet("secrets")]
    [RequireMandate("ledger:secrets")]
    public string Secrets() => "secrets";
}
