using System.Net;
using Caracal.Gateway.Upstream;
using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Keys.Rings;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Tests.Upstream;

public sealed class ForwardedFromTests
{
    [Theory]
    [InlineData(false, "", "9.9.9.9", "192.0.2.7", "192.0.2.7", "http")]
    [InlineData(true, "192.0.2.0/24", "9.9.9.9, 5.5.5.5, 192.0.2.1", "192.0.2.7", "5.5.5.5", "https")]
    [InlineData(true, "192.0.2.0/24", "9.9.9.9, rubbish", "192.0.2.7", "192.0.2.7", "https")]
    [InlineData(true, "192.0.2.0/24", "192.0.2.1", "192.0.2.7", "192.0.2.7", "https")]
    [InlineData(true, "192.0.2.0/24", "9.9.9.9", "198.51.100.1", "198.51.100.1", "http")]
    [InlineData(true, "", "9.9.9.9, 5.5.5.5", "192.0.2.7", "5.5.5.5", "https")]
    [InlineData(true, "", "", "::ffff:192.0.2.7", "192.0.2.7", "https")]
    public void Names_the_caller_that_can_be_believed(bool trust, string proxies, string chain, string peer, string address, string scheme)
    {
        var http = new DefaultHttpContext();
        http.Connection.RemoteIpAddress = IPAddress.Parse(peer);
        http.Request.Scheme = "http";
        http.Request.Headers["X-Forwarded-For"] = chain;
        http.Request.Headers["X-Forwarded-Proto"] = "https";
        var settings = new GatewaySettings
        {
            Mode = CaracalMode.Dev,
            Listen = new ListenSettings { Host = "127.0.0.1", Port = 0 },
            StsUrl = "http://sts",
            StreamKeys = HmacKeyRing.Of(KeyClass.StreamsHmac, new byte[32]),
            TrustProxy = trust,
            TrustedProxies = proxies.Length == 0 ? [] : [IPNetwork.Parse(proxies)],
        };
        Assert.Equal(new ForwardedFrom(address, scheme), ForwardedFrom.Of(http, settings));
    }
}
