using System.Collections.Immutable;
using System.Globalization;
using Caracal.Keys.Rings;

namespace Caracal.Keys.Rotation;

/// <summary>When one class is rotated without being asked.</summary>
/// <param name="Class">Class id.</param>
/// <param name="MaximumAge">A current value that is older is due.</param>
/// <param name="Window">When a rotation may begin, and when an old value may go.</param>
public sealed record ScheduledClass(string Class, TimeSpan MaximumAge, CalendarWindow Window);

/// <summary>Which classes rotate by themselves, and when (operations.md 2.1 has the ages).</summary>
public sealed record RotationSchedule(ImmutableArray<ScheduledClass> Classes)
{
    private const int ZoneSigningDays = 90;
    private static readonly TimeSpan Shortest = TimeSpan.FromHours(1);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3650);

    /// <summary>Every class that a schedule can name, in the order of the inventory.</summary>
    public static IEnumerable<string> Known => RotatableClass.All.Select(known => known.Id).Prepend(KeyClass.ZoneSigning);

    public ScheduledClass? Find(string classId) => Classes.FirstOrDefault(scheduled => scheduled.Class == classId);

    /// <summary>The age of the inventory.</summary>
    public static TimeSpan MaximumAgeOf(string classId) => TimeSpan.FromDays(RotatableClass.Find(classId)?.MaximumAgeDays ?? ZoneSigningDays);

    /// <summary>Every class at its age of the inventory, except where <paramref name="overrides"/> says otherwise.</summary>
    /// <param name="window">Where an override names no window of its own.</param>
    /// <param name="overrides"><c>CLASS=off</c>, <c>CLASS=30d</c>, <c>CLASS=12h@Sat 01:00-03:00</c>, apart by semicolons.</param>
    /// <param name="fault">Told what is wrong with an override.</param>
    public static RotationSchedule Read(CalendarWindow window, string overrides, Action<string> fault)
    {
        var classes = Known.Select(id => new ScheduledClass(id, MaximumAgeOf(id), window))
            .ToDictionary(scheduled => scheduled.Class, StringComparer.Ordinal);
        foreach (var text in overrides.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var (id, rule) = text.Split('=', 2, StringSplitOptions.TrimEntries) is [var left, var right] ? (left, right) : (text, "");
            if (RotatableClass.Credentials.Any(known => known.Id == id))
            {
                fault($"{id} cannot be scheduled: it needs the administrator's way into the store, which the API does not have; use caracal keys rotate");
            }
            else if (!Known.Contains(id)) fault($"'{id}' is none of {string.Join(", ", Known)}");
            else if (rule == "off") classes.Remove(id);
            else if (TryParseRule(rule, window, out var age, out var own)) classes[id] = new ScheduledClass(id, age, own);
            else fault($"'{text}' must be CLASS=off, CLASS=AGE or CLASS=AGE@WINDOW, with an age such as 90d or 12h of 1h to 3650d and a window such as Mon-Fri 02:00-05:00");
        }

        return new RotationSchedule([.. Known.Where(classes.ContainsKey).Select(id => classes[id])]);
    }

    private static bool TryParseRule(string rule, CalendarWindow common, out TimeSpan age, out CalendarWindow window)
    {
        window = common;
        var parts = rule.Split('@', 2, StringSplitOptions.TrimEntries);
        return TryParseAge(parts[0], out age) && (parts.Length == 1 || CalendarWindow.TryParse(parts[1], out window));
    }

    private static bool TryParseAge(string text, out TimeSpan age)
    {
        age = TimeSpan.Zero;
        if (text.Length < 2 || text[^1] is not ('d' or 'h') || !int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        if (number > Longest.TotalHours) return false;
        age = text[^1] == 'd' ? TimeSpan.FromDays(number) : TimeSpan.FromHours(number);
        return age >= Shortest && age <= Longest;
    }
}
