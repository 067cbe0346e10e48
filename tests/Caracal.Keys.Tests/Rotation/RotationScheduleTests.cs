using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;

namespace Caracal.Keys.Tests.Rotation;

public sealed class RotationScheduleTests
{
    [Theory]
    [InlineData("02:00-05:00", "2026-03-04T01:59:59Z", false)]
    [InlineData("02:00-05:00", "2026-03-04T02:00:00Z", true)]
    [InlineData("02:00-05:00", "2026-03-04T04:59:59Z", true)]
    [InlineData("02:00-05:00", "2026-03-04T05:00:00Z", false)]
    [InlineData("Mon-Fri 02:00-05:00", "2026-03-06T03:00:00Z", true)] // a Friday
    [InlineData("Mon-Fri 02:00-05:00", "2026-03-07T03:00:00Z", false)]
    [InlineData("Sat,Sun 22:00-04:00", "2026-03-08T23:00:00Z", true)] // a Sunday
    [InlineData("Sat,Sun 22:00-04:00", "2026-03-09T03:59:00Z", true)] // still Sunday's
    [InlineData("Sat,Sun 22:00-04:00", "2026-03-09T22:00:00Z", false)]
    [InlineData("Fri-Mon 00:00-00:00", "2026-03-09T12:00:00Z", true)]
    [InlineData("fri-mon 00:00-00:00", "2026-03-10T12:00:00Z", false)]
    [InlineData("always", "2026-03-10T12:00:00Z", true)]
    public void A_window_is_open_from_its_first_moment_to_its_last(string text, string time, bool open)
    {
        Assert.True(CalendarWindow.TryParse(text, out var window));
        Assert.Equal(open, window.Contains(At(time)));
        Assert.True(CalendarWindow.TryParse(window.ToString(), out var again));
        Assert.Equal(open, again.Contains(At(time)));
    }

    [Theory]
    [InlineData("02:00-05:00", "2026-03-04T03:00:00Z", "2026-03-04T03:00:00Z")]
    [InlineData("02:00-05:00", "2026-03-04T05:00:00Z", "2026-03-05T02:00:00Z")]
    [InlineData("02:00-05:00", "2026-03-04T01:00:00Z", "2026-03-04T02:00:00Z")]
    [InlineData("Sat 02:00-05:00", "2026-03-07T05:00:00Z", "2026-03-14T02:00:00Z")]
    [InlineData("Sun 22:00-04:00", "2026-03-09T04:00:00Z", "2026-03-15T22:00:00Z")]
    public void It_opens_next_at(string text, string from, string expected)
    {
        Assert.True(CalendarWindow.TryParse(text, out var window));
        Assert.Equal(At(expected), window.NextOpen(At(from)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("02:00")]
    [InlineData("2:00-5:00")]
    [InlineData("02:00-25:00")]
    [InlineData("24:00-02:00")]
    [InlineData("Mo 02:00-05:00")]
    [InlineData("Mon- 02:00-05:00")]
    [InlineData("Mon-Wed-Fri 02:00-05:00")]
    [InlineData("Mon 02:00-05:00 UTC")]
    [InlineData("never")]
    public void Refuses_what_is_no_window(string text) => Assert.False(CalendarWindow.TryParse(text, out _));

    [Fact]
    public void Every_class_has_its_age_of_the_inventory_unless_an_override_says_otherwise()
    {
        Assert.True(CalendarWindow.TryParse("02:00-05:00", out var common));
        var schedule = Read(common, "admin-token=30d@Sat 01:00-03:00; zone-kek=off ;audit-hmac=12h", out var faults);

        Assert.Empty(faults);
        Assert.Equal(RotationSchedule.Known.Where(id => id != KeyClass.ZoneKek), schedule.Classes.Select(scheduled => scheduled.Class));
        Assert.Equal((TimeSpan.FromDays(30), "Sat 01:00-03:00"), Of(KeyClass.AdminToken));
        Assert.Equal((TimeSpan.FromHours(12), "02:00-05:00"), Of(KeyClass.AuditHmac));
        Assert.Equal((TimeSpan.FromDays(365), "02:00-05:00"), Of(KeyClass.StreamsHmac));
        Assert.Equal((TimeSpan.FromDays(90), "02:00-05:00"), Of(KeyClass.ZoneSigning));

        (TimeSpan, string) Of(string id) => (schedule.Find(id)!.MaximumAge, schedule.Find(id)!.Window.ToString());
    }

    [Theory]
    [InlineData("admin-token", "must be CLASS=off")]
    [InlineData("admin-token=", "must be CLASS=off")]
    [InlineData("admin-token=0d", "1h to 3650d")]
    [InlineData("admin-token=3651d", "1h to 3650d")]
    [InlineData("admin-token=87601h", "1h to 3650d")]
    [InlineData("admin-token=90", "1h to 3650d")]
    [InlineData("admin-token=90d@sometimes", "CLASS=AGE@WINDOW")]
    [InlineData("admin=90d", "'admin' is none of")]
    [InlineData("app-secret=90d", "'app-secret' is none of")]
    [InlineData("postgres:sts=90d", "administrator's way into the store")]
    public void Refuses_what_is_no_override_and_says_why(string overrides, string reason)
    {
        Read(CalendarWindow.Always, overrides, out var faults);

        Assert.Contains(reason, Assert.Single(faults), StringComparison.Ordinal);
    }

    private static RotationSchedule Read(CalendarWindow window, string overrides, out List<string> faults)
    {
        var told = faults = [];
        return RotationSchedule.Read(window, overrides, told.Add);
    }

    private static DateTimeOffset At(string time) => DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture);
}
