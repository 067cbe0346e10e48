using System.Text.Json;
using Microsoft.Playwright;

namespace Caracal.Console.Tests;

/// <summary>What an operator does in a hurry, in a real browser, over a real stack.</summary>
public sealed class BrowserTests(ConsoleStack stack, Browser browser) : IClassFixture<ConsoleStack>, IClassFixture<Browser>
{
    [Fact]
    public async Task An_operator_signs_in_decides_a_hold_reads_why_and_ends_an_agent()
    {
        var held = await stack.MintAsync("pipernet:pay");
        Assert.Equal("interaction_required", held.GetProperty("error").GetString());
        var page = await browser.OpenAsync();
        List<string> complaints = [];
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") complaints.Add(message.Text);
        };
        page.Dialog += (_, dialog) => complaints.Add("dialog: " + dialog.Message);

        await page.GotoAsync(stack.Url);
        await page.GetByLabel("Admin token").FillAsync(stack.AdminToken);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Pied Piper" }).ClickAsync();
        await Assertions.Expect(page.GetByText("is the active one of 1 policy sets")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "Approvals" }).ClickAsync();
        await page.GetByLabel("Reason").FillAsync("asked on the phone");
        await page.GetByRole(AriaRole.Button, new() { Name = "Approve" }).ClickAsync();
        await Assertions.Expect(page.GetByText("Nothing waits for a decision here.")).ToBeVisibleAsync();
        Assert.True((await stack.MintAsync("pipernet:pay")).TryGetProperty("access_token", out _));

        await ReadWhyAsync(page);

        await page.GetByRole(AriaRole.Link, new() { Name = "Kill switch" }).ClickAsync();
        await page.GetByLabel("What").SelectOptionAsync("session_id");
        await page.GetByLabel("Its id").FillAsync(stack.Agent);
        await page.GetByRole(AriaRole.Button, new() { Name = "Show what would end" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "This would end" })).ToBeVisibleAsync();
        Assert.True((await stack.MintAsync("pipernet:read")).TryGetProperty("access_token", out _), "looking ends nothing");
        await page.GetByRole(AriaRole.Button, new() { Name = "End it now" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Ended for");
        Assert.False((await stack.MintAsync("pipernet:read")).TryGetProperty("access_token", out _), "the agent can still mint");

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await page.GotoAsync(stack.Url + "/");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
        Assert.Empty(complaints);
    }

    // The application is called like a script; the page must show it as it is.
    private async Task ReadWhyAsync(IPage page)
    {
        var denied = (await stack.MintAsync("pipernet:read", delegated: false)).GetProperty("requestId").GetString()!;
        await UntilRecordedAsync(denied);
        await page.GetByRole(AriaRole.Link, new() { Name = "Decisions" }).ClickAsync();
        await page.GetByLabel("Decision").SelectOptionAsync("deny");
        await page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
        await Assertions.Expect(page.GetByText(stack.ApplicationName).First).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = denied }).First.ClickAsync();
        await Assertions.Expect(page.Locator("strong.deny")).ToHaveTextAsync("deny");
        await Assertions.Expect(page.Locator("pre").First).ToContainTextAsync("data.caracal.authz");
    }

    private async Task UntilRecordedAsync(string request)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            var answer = await stack.Api.GetAsync($"/v1/zones/{stack.Zone}/audit/by-request/{request}/explain", limit.Token);
            if (answer.IsSuccessStatusCode) return;
            await Task.Delay(50, limit.Token);
        }
    }
}
