using Microsoft.Playwright;

namespace Caracal.Console.Tests;

/// <summary>A real browser: Chromium as Debian packages it, which <c>./test</c> installs.</summary>
public sealed class Browser : IAsyncLifetime
{
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = "/usr/bin/chromium",
            Args = ["--no-sandbox"], // the suite may run as root, which Chromium refuses otherwise
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    /// <summary>A page of a browser that nobody has used before.</summary>
    public async Task<IPage> OpenAsync()
    {
        var context = await _browser!.NewContextAsync();
        context.SetDefaultTimeout(15_000);
        return await context.NewPageAsync();
    }
}
