using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Caracal.Egress;

namespace Caracal.Egress.Tests;

/// <summary>The corpus of hostile URLs and DNS answers: none reaches a blocked address (gateway.md A10).</summary>
public sealed class HostileUrlTests
{
    private static readonly string[][] Corpus =
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Corpus", "hostile-urls.tsv"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split('\t')),
    ];

    public static TheoryData<string, string, string?> Entries
    {
        get
        {
            var entries = new TheoryData<string, string, string?>();
            foreach (var entry in Corpus)
            {
                entries.Add(entry[0], entry[1], entry.Length > 2 ? entry[2] : null);
            }

            return entries;
        }
    }

    [Fact]
    public void The_corpus_has_at_least_150_entries() => Assert.True(Corpus.Select(entry => entry[1]).Distinct().Count() >= 150);

    [Theory]
    [MemberData(nameof(Entries))]
    public async Task Refuses(string verdict, string url, string? answers)
    {
        var parsed = EgressUrl.TryParse(url);
        if (verdict == "malformed" && parsed is null)
        {
            return;
        }

        if (parsed is null)
        {
            return; // refused even earlier than it had to be
        }

        Assert.Empty(await Guard(answers, privateAllowed: false).VetAsync(parsed.Host, CancellationToken.None));
        if (verdict == "never")
        {
            Assert.Empty(await Guard(answers, privateAllowed: true).VetAsync(parsed.Host, CancellationToken.None));
        }
    }

    [Fact]
    [Trait("requirement", "R85")]
    public async Task No_entry_makes_a_connection()
    {
        using var listener = new TcpListener(IPAddress.IPv6Any, 0);
        listener.Server.DualMode = true;
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var sent = 0;
        foreach (var entry in Corpus)
        {
            if (EgressUrl.TryParse(entry[1]) is not { } url)
            {
                continue;
            }

            sent++;
            using var http = new GuardedHttp(Guard(entry.Length > 2 ? entry[2] : null, privateAllowed: false), new GuardedHttpOptions());
            using var request = new HttpRequestMessage(HttpMethod.Get, new UriBuilder(url.Uri) { Scheme = "http", Port = port }.Uri);
            var fault = await Assert.ThrowsAnyAsync<Exception>(() => http.SendAsync(request, CancellationToken.None));
            Assert.True(fault is HttpRequestException { InnerException: EgressRefusedException }, $"{entry[1]}: {fault}");
            Assert.False(listener.Pending(), entry[1]);
        }

        Assert.True(sent >= 100);
    }

    [Fact]
    public async Task A_name_that_rebinds_between_check_and_connect_is_dialled_where_it_was_checked()
    {
        using var listener = new TcpListener(IPAddress.Parse("127.0.0.1"), 0);
        listener.Start();
        var names = new Rebinding("127.0.0.1", "127.0.0.2");
        var guard = new EgressGuard(new EgressPolicy(true, [], []), names, new StillTime());
        Assert.Single(await guard.VetAsync("rebind.example", CancellationToken.None));
        using var http = new GuardedHttp(guard, new GuardedHttpOptions());
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://rebind.example:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        var sending = http.SendAsync(request, CancellationToken.None);
        using var connection = await listener.AcceptTcpClientAsync();
        await connection.GetStream().WriteAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray());
        using var answer = await sending;
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(1, names.Lookups);
    }

    [Theory]
    [InlineData("127.0.0.1", "169.254.169.254")]
    [InlineData("127.0.0.1", "0.0.0.0")]
    [InlineData("127.0.0.1", "64:ff9b::a9fe:a9fe")]
    public async Task A_name_that_rebinds_to_a_blocked_address_after_its_check_has_aged_is_not_dialled(string first, string second)
    {
        var time = new StillTime();
        var guard = new EgressGuard(new EgressPolicy(true, [], []), new Rebinding(first, second), time);
        Assert.Single(await guard.VetAsync("rebind.example", CancellationToken.None));
        time.Now += EgressGuard.NameLifetime.Ticks;
        using var http = new GuardedHttp(guard, new GuardedHttpOptions());
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://rebind.example:9/");
        var fault = await Assert.ThrowsAsync<HttpRequestException>(() => http.SendAsync(request, CancellationToken.None));
        Assert.IsType<EgressRefusedException>(fault.InnerException);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_is_returned_and_its_target_not_contacted(int status)
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var http = new GuardedHttp(new EgressGuard(new EgressPolicy(true, [], []), new SystemHostResolver(), TimeProvider.System), new GuardedHttpOptions());
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        var sending = http.SendAsync(request, CancellationToken.None);
        using var connection = await listener.AcceptTcpClientAsync();
        var reply = $"HTTP/1.1 {status} Moved\r\nLocation: http://{target.LocalEndpoint}/\r\nContent-Length: 0\r\n\r\n";
        await connection.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(reply));
        using var answer = await sending;
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.False(target.Pending());
    }

    private static EgressGuard Guard(string? answers, bool privateAllowed) =>
        new(new EgressPolicy(privateAllowed, [], []), new Attacker(answers), TimeProvider.System);

    /// <summary>A resolver in the attacker's hands: the answers given, else what inet_aton makes of the host, else loopback.</summary>
    private sealed class Attacker(string? answers) : IHostResolver
    {
        public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) => Task.FromResult<IPAddress[]>(answers switch
        {
            null => [FromNumbers(host.TrimEnd('.')) ?? IPAddress.Loopback],
            "" => [],
            _ => [.. answers.Split(',').Select(IPAddress.Parse)],
        });

        private static IPAddress? FromNumbers(string host)
        {
            var parts = host.Split('.');
            ulong value = 0;
            for (var i = 0; i < parts.Length; i++)
            {
                if (parts.Length > 4 || Number(parts[i]) is not { } number)
                {
                    return null;
                }

                value = i == parts.Length - 1 ? (value << (8 * (5 - parts.Length))) + number : (value << 8) + number;
            }

            return value <= uint.MaxValue ? new IPAddress([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]) : null;
        }

        private static ulong? Number(string text)
        {
            var hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
            if (hex)
            {
                return ulong.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var value) ? value : null;
            }

            if (text.Length > 1 && text[0] == '0' && text.All(c => c is >= '0' and <= '7'))
            {
                return text.Aggregate(0UL, (sum, c) => (sum * 8) + (ulong)(c - '0'));
            }

            return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        }
    }

    private sealed class Rebinding(string first, string then) : IHostResolver
    {
        public int Lookups { get; private set; }

        public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) =>
            Task.FromResult<IPAddress[]>([IPAddress.Parse(Lookups++ == 0 ? first : then)]);
    }

    private sealed class StillTime : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }
}
