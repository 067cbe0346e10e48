using System.Net;
using System.Net.Sockets;
using Caracal.Egress;

namespace Caracal.Egress.Tests;

public sealed class EgressGuardTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Refuses_a_name_when_any_of_its_addresses_is_forbidden()
    {
        var guard = Guard(new NameTable { ["mixed.example"] = ["8.8.8.8", "169.254.169.254"] });
        Assert.Empty(await guard.VetAsync("mixed.example", None));
    }

    [Fact]
    public async Task Refuses_a_name_that_does_not_resolve()
    {
        var guard = Guard([]);
        Assert.Empty(await guard.VetAsync("nowhere.example", None));
    }

    [Fact]
    [Trait("requirement", "R86")]
    public async Task Refuses_a_host_outside_the_allowlist_even_when_its_address_is_public()
    {
        var names = new NameTable { ["other.example"] = ["8.8.8.8"], ["api.example"] = ["8.8.4.4"] };
        var guard = Guard(names, new EgressPolicy(false, [], ["API.example "]));
        Assert.Empty(await guard.VetAsync("other.example", None));
        Assert.Empty(await guard.VetAsync("8.8.8.8", None));
        Assert.Single(await guard.VetAsync("api.example", None));
    }

    [Fact]
    public async Task An_allow_listed_host_on_a_private_address_still_needs_private_egress()
    {
        var names = new NameTable { ["api.internal"] = ["10.0.0.5"] };
        Assert.Empty(await Guard(names, new EgressPolicy(false, [], ["api.internal"])).VetAsync("api.internal", None));
        Assert.Single(await Guard(names, new EgressPolicy(false, ["api.internal"], ["api.internal"])).VetAsync("api.internal", None));
        Assert.Single(await Guard(names, new EgressPolicy(true, [], ["api.internal"])).VetAsync("api.internal", None));
    }

    [Fact]
    public async Task A_private_egress_host_opens_private_places_for_itself_only()
    {
        var names = new NameTable { ["one.internal"] = ["10.0.0.5"], ["two.internal"] = ["10.0.0.6"], ["meta.internal"] = ["169.254.169.254"] };
        var guard = Guard(names, new EgressPolicy(false, ["one.internal", "meta.internal"], []));
        Assert.Single(await guard.VetAsync("one.internal", None));
        Assert.Empty(await guard.VetAsync("two.internal", None));
        Assert.Empty(await guard.VetAsync("meta.internal", None));
    }

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("64:ff9b::a9fe:a9fe", false)]
    [InlineData("8.8.8.8", true)]
    public async Task Judges_literal_hosts_without_a_lookup(string host, bool allowed)
    {
        var names = new NameTable();
        Assert.Equal(allowed, (await Guard(names).VetAsync(host, None)).Length == 1);
        Assert.Equal(0, names.Lookups);
    }

    [Fact]
    public async Task A_name_that_turns_to_a_forbidden_address_is_refused_once_its_vetted_answer_has_aged()
    {
        var time = new ManualTime();
        var names = new NameTable { ["rebind.example"] = ["8.8.8.8"] };
        var guard = new EgressGuard(new EgressPolicy(false, [], []), names, time);
        Assert.Equal(IPAddress.Parse("8.8.8.8"), Assert.Single(await guard.VetAsync("rebind.example", None)));

        names["rebind.example"] = ["127.0.0.1"];
        Assert.Equal(IPAddress.Parse("8.8.8.8"), Assert.Single(await guard.VetAsync("rebind.example", None)));
        time.Advance(EgressGuard.NameLifetime);
        Assert.Empty(await guard.VetAsync("rebind.example", None));
    }

    [Fact]
    public async Task Nothing_is_dialled_when_the_guard_refuses()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var http = new GuardedHttp(Guard([]), new GuardedHttpOptions());
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        var fault = await Assert.ThrowsAsync<HttpRequestException>(() => http.SendAsync(request, None));
        Assert.IsType<EgressRefusedException>(fault.InnerException);
        Assert.False(listener.Pending());
    }

    private static EgressGuard Guard(NameTable names, EgressPolicy? policy = null) =>
        new(policy ?? new EgressPolicy(false, [], []), names, TimeProvider.System);

    private sealed class NameTable : Dictionary<string, string[]>, IHostResolver
    {
        public int Lookups { get; private set; }

        public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
        {
            Lookups++;
            return TryGetValue(host, out var addresses)
                ? Task.FromResult(addresses.Select(IPAddress.Parse).ToArray())
                : throw new SocketException((int)SocketError.HostNotFound);
        }
    }

    private sealed class ManualTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan by) => _now += by.Ticks;
    }
}
