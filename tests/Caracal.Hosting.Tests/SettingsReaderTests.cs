using Caracal.Hosting.Settings;

namespace Caracal.Hosting.Tests;

public sealed class SettingsReaderTests
{
    [Fact]
    public void Every_fault_is_collected_and_none_quotes_a_value()
    {
        var reader = Read(("CARACAL_MODE", "prod-7f"), ("N", "12x-7f"), ("D", "5-7f"), ("B", "maybe-7f"), ("U", "ftp://7f"));
        reader.Integer("N", 1);
        reader.Duration("D", TimeSpan.FromSeconds(1));
        reader.Boolean("B", false);
        reader.Url("U", null);
        reader.Required("R");
        Assert.Equal(6, reader.Faults.Count);
        Assert.DoesNotContain(reader.Faults, fault => fault.Contains("7f", StringComparison.Ordinal));
        Assert.Equal(78, SettingsException.ExitCode);
        Assert.Throws<SettingsException>(reader.ThrowIfFaulty);
    }

    [Fact]
    public void A_roles_own_variable_wins_over_the_common_one()
    {
        var reader = Read(("N", "1"), ("STS__N", "2"), ("EMPTY", ""));
        Assert.Equal(2, reader.Integer("N", 0));
        Assert.Null(reader.Text("EMPTY"));
    }

    [Theory]
    [InlineData("5s", 5_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("300ms", 300)]
    [InlineData("1.5h", 5_400_000)]
    public void Durations_are_sequences_of_number_and_unit(string text, double milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Read(("D", text)).Duration("D", default));

    [Theory]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("0s")]
    [InlineData("5 s")]
    [InlineData("5d")]
    public void Other_durations_are_faults(string text)
    {
        var reader = Read(("D", text));
        reader.Duration("D", TimeSpan.FromSeconds(1));
        Assert.Single(reader.Faults);
    }

    [Theory]
    [InlineData("INSECURE_STS", "yes")]
    [InlineData("INSECURE_HTTP", "TRUE")]
    public void Insecure_switches_are_refused_outside_dev(string name, string value)
    {
        Assert.Single(Read((name, value)).Faults);
        Assert.Empty(Read((name, value), ("CARACAL_MODE", " Dev ")).Faults);
    }

    [Theory]
    [Trait("requirement", "R59")]
    [InlineData("https://sts.example.com", false, true)]
    [InlineData("http://sts.example.com", true, false)]
    [InlineData("http://sts:8080", false, false)]
    [InlineData("http://sts:8080", true, true)]
    [InlineData("http://127.0.0.1:8080", true, true)]
    public void Plain_http_between_services_needs_a_near_host_and_the_switch(string url, bool allowed, bool fine)
    {
        var reader = Read(("STS_URL", url), ("CARACAL_ALLOW_INSECURE_CONFIG_URLS", allowed ? "true" : "false"));
        reader.ServiceUrl("STS_URL", null);
        Assert.Equal(fine, reader.Faults.Count == 0);
    }

    private static SettingsReader Read(params (string Name, string Value)[] variables) =>
        new(variables.ToDictionary(v => v.Name, v => (string?)v.Value, StringComparer.Ordinal), "sts");
}
