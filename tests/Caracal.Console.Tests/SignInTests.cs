using System.Net;
using System.Text.Json;

namespace Caracal.Console.Tests;

/// <summary>Who gets in, what a form must carry, and what never leaves.</summary>
public sealed class SignInTests(ConsoleStack stack) : IClassFixture<ConsoleStack>
{
    [Fact]
    public async Task Whoever_is_not_signed_in_sees_nothing_and_changes_nothing()
    {
        using var visitor = Visitor();
        foreach (var path in new[] { "/", $"/zones/{stack.Zone}", $"/zones/{stack.Zone}/decisions", $"/zones/{stack.Zone}/decisions/x", $"/zones/{stack.Zone}/sessions", $"/zones/{stack.Zone}/approvals", $"/zones/{stack.Zone}/kill-switch" })
        {
            var answer = await visitor.GetAsync(path);
            Assert.Equal((HttpStatusCode.SeeOther, "/sign-in"), (answer.StatusCode, answer.Headers.Location?.ToString()));
            Assert.Equal("", await answer.Content.ReadAsStringAsync());
        }

        var killed = await PostAsync(visitor, $"/zones/{stack.Zone}/kill-switch", ("kind", "session_id"), ("id", stack.Agent), ("step", "end"));
        Assert.Equal("/sign-in", killed.Headers.Location?.ToString());
        Assert.True((await stack.MintAsync("pipernet:read")).TryGetProperty("access_token", out _));
    }

    [Fact]
    public async Task An_unknown_token_is_refused_and_guessing_is_slowed_down()
    {
        await using var fresh = new ConsoleStack();
        await fresh.InitializeAsync();
        using var visitor = Visitor(fresh);
        List<HttpStatusCode> answers = [];
        for (var i = 0; i < 11; i++) answers.Add((await PostAsync(visitor, "/sign-in", ("token", "cat_guess" + i))).StatusCode);
        Assert.All(answers.Take(10), status => Assert.Equal(HttpStatusCode.Unauthorized, status));
        Assert.Equal(HttpStatusCode.TooManyRequests, answers[10]);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await PostAsync(visitor, "/sign-in", ("token", fresh.AdminToken))).StatusCode);
    }

    [Fact]
    public async Task A_sign_in_is_sealed_strict_and_out_of_reach_of_scripts()
    {
        using var visitor = Visitor();
        var answer = await PostAsync(visitor, "/sign-in", ("token", stack.AdminToken));
        Assert.Equal((HttpStatusCode.SeeOther, "/"), (answer.StatusCode, answer.Headers.Location?.ToString()));
        var cookie = Assert.Single(answer.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(stack.AdminToken, cookie, StringComparison.Ordinal);

        using var forged = Visitor();
        var value = cookie[(cookie.IndexOf('=', StringComparison.Ordinal) + 1)..cookie.IndexOf(';', StringComparison.Ordinal)];
        foreach (var changed in new[] { (value[0] == 'A' ? "B" : "A") + value[1..], value[..^2], value + "AA", "", "=", new string('A', 9000) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/");
            request.Headers.TryAddWithoutValidation("Cookie", "caracal_console=" + changed);
            Assert.Equal(HttpStatusCode.SeeOther, (await forged.SendAsync(request)).StatusCode);
        }
    }

    [Fact]
    public async Task A_form_of_another_sign_in_or_of_another_site_changes_nothing()
    {
        var (visitor, _) = await SignedInAsync();
        using (visitor)
        {
            var path = $"/zones/{stack.Zone}/kill-switch";
            var without = await PostAsync(visitor, path, ("kind", "session_id"), ("id", stack.Agent), ("step", "end"));
            Assert.Equal(HttpStatusCode.Forbidden, without.StatusCode);
            var (other, foreign) = await SignedInAsync();
            other.Dispose();
            var wrong = await PostAsync(visitor, path, ("form", foreign), ("kind", "session_id"), ("id", stack.Agent), ("step", "end"));
            Assert.Equal(HttpStatusCode.Forbidden, wrong.StatusCode);

            var mine = FormIdOf(await visitor.GetStringAsync(path));
            using var cross = new HttpRequestMessage(HttpMethod.Post, path)
            {
                Content = new FormUrlEncodedContent([new("form", mine), new("kind", "session_id"), new("id", stack.Agent), new("step", "end")]),
            };
            cross.Headers.Add("Sec-Fetch-Site", "cross-site");
            Assert.Equal(HttpStatusCode.Forbidden, (await visitor.SendAsync(cross)).StatusCode);
            Assert.True((await stack.MintAsync("pipernet:read")).TryGetProperty("access_token", out _), "the agent was ended");
        }
    }

    [Fact]
    public async Task A_zone_token_sees_its_zone_alone_and_a_reading_one_only_reads()
    {
        var other = (await stack.CreateAsync("/v1/zones", new { name = "Hooli" })).GetProperty("id").GetString()!;
        var token = (await stack.CreateAsync("/v1/admin-tokens", new { name = "watch", scope = "zone", zone_id = stack.Zone, capability = "read" })).GetProperty("token").GetString()!;
        using var visitor = Visitor();
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(visitor, "/sign-in", ("token", token))).StatusCode);
        var home = (await PostAsync(visitor, "/sign-in", ("token", token), ("zone", stack.Zone))).Headers.Location?.ToString();
        Assert.Equal($"/zones/{stack.Zone}", home);
        Assert.Equal(HttpStatusCode.OK, (await visitor.GetAsync(home)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await visitor.GetAsync($"/zones/{other}")).StatusCode);

        var path = $"/zones/{stack.Zone}/kill-switch";
        var refused = await PostAsync(
            visitor, path, ("form", FormIdOf(await visitor.GetStringAsync(path))), ("kind", "session_id"), ("id", stack.Agent), ("step", "end"));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("admin_token_read_only", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revoked_token_ends_its_sign_in()
    {
        var created = await stack.CreateAsync("/v1/admin-tokens", new { name = "leaver", scope = "global" });
        using var visitor = Visitor();
        await PostAsync(visitor, "/sign-in", ("token", created.GetProperty("token").GetString()!));
        Assert.Equal(HttpStatusCode.OK, (await visitor.GetAsync("/")).StatusCode);
        await stack.Api.DeleteAsync("/v1/admin-tokens/" + created.GetProperty("id").GetString());

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        HttpResponseMessage answer;
        while ((answer = await visitor.GetAsync("/", limit.Token)).StatusCode == HttpStatusCode.OK) await Task.Delay(100, limit.Token);
        Assert.Equal((HttpStatusCode.SeeOther, "/sign-in"), (answer.StatusCode, answer.Headers.Location?.ToString()));
    }

    [Fact]
    public async Task What_others_wrote_is_text_and_no_page_may_run_a_script_or_be_framed()
    {
        var (visitor, _) = await SignedInAsync();
        using (visitor)
        {
            var answer = await visitor.GetAsync($"/zones/{stack.Zone}/decisions?request_id=%22%3E%3Cscript%3E&application_id='%20onfocus%3D");
            var html = await answer.Content.ReadAsStringAsync();
            Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(stack.AdminToken, html, StringComparison.Ordinal);
            var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
            Assert.StartsWith("default-src 'none'", policy, StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.Equal("no-store", answer.Headers.CacheControl?.ToString());
        }
    }

    [Fact]
    public async Task Health_readiness_and_metrics_answer_as_those_of_every_role()
    {
        using var visitor = Visitor();
        Assert.Equal("""{"ok":true}""", await visitor.GetStringAsync("/health"));
        Assert.Equal("""{"ok":true,"ready":true}""", await visitor.GetStringAsync("/ready"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await visitor.GetAsync("/metrics")).StatusCode);
        Assert.DoesNotContain(stack.AdminToken, stack.Log, StringComparison.Ordinal);
    }

    private HttpClient Visitor() => Visitor(stack);

    private static HttpClient Visitor(ConsoleStack at) =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() }) { BaseAddress = new Uri(at.Url) };

    private async Task<(HttpClient Visitor, string FormId)> SignedInAsync()
    {
        var visitor = Visitor();
        Assert.Equal(HttpStatusCode.SeeOther, (await PostAsync(visitor, "/sign-in", ("token", stack.AdminToken))).StatusCode);
        return (visitor, FormIdOf(await visitor.GetStringAsync($"/zones/{stack.Zone}/kill-switch")));
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient visitor, string path, params (string Name, string Value)[] fields) =>
        visitor.PostAsync(path, new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))));

    private static string FormIdOf(string html)
    {
        const string Mark = "name=\"form\" value=\"";
        var start = html.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length;
        return html[start..html.IndexOf('"', start)];
    }
}
