using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Caracal.Hosting.Metrics;

/// <summary>
/// The series of one role, exposed as Prometheus text 0.0.4 and, where a key is given, as flat JSON. Names are given
/// whole; a name may carry labels in braces.
/// </summary>
public sealed class MetricsRegistry
{
    private readonly List<Series> _series = [];
    private readonly List<(string Name, string Type, Func<IEnumerable<(string Labels, double Value)>> Read)> _families = [];
    private readonly Dictionary<string, Counter> _once = new(StringComparer.Ordinal);
    private MetricsRegistry? _included;

    /// <summary>A counter; <paramref name="jsonKey"/> null keeps it out of the JSON form.</summary>
    public Counter Counter(string name, string? jsonKey = null, string? alias = null)
    {
        var counter = new Counter();
        Add(name, "counter", () => counter.Value, jsonKey, alias);
        return counter;
    }

    /// <summary>A counter whose value lives elsewhere.</summary>
    public void ObserveCounter(string name, Func<double> read, string? jsonKey = null) => Add(name, "counter", read, jsonKey, null);

    /// <summary>A gauge, read when asked for.</summary>
    public void Gauge(string name, Func<double> read, string? jsonKey = null, string? alias = null) =>
        Add(name, "gauge", read, jsonKey, alias);

    /// <summary>Series of one name whose labels are known only when it is read: <c>name="value"</c>, apart by commas. Prometheus text only.</summary>
    public void Family(string name, string type, Func<IEnumerable<(string Labels, double Value)>> read)
    {
        lock (_series)
        {
            _families.Add((name, type, read));
        }
    }

    /// <summary>A counter that is there from its first use on; whoever asks again, also at the same moment, gets the same one.</summary>
    public Counter CounterOnce(string name)
    {
        lock (_series)
        {
            if (_once.TryGetValue(name, out var known)) return known;
            return _once[name] = Counter(name);
        }
    }

    /// <summary>A histogram of seconds: its buckets, their sum and their count.</summary>
    public Histogram Histogram(string name, double[] bounds)
    {
        var histogram = new Histogram(bounds);
        for (var i = 0; i <= bounds.Length; i++)
        {
            var place = i;
            var bound = i < bounds.Length ? bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
            Add($"{name}_bucket{{le=\"{bound}\"}}", "histogram", () => histogram.AtMost(place), null, null, name);
        }

        Add(name + "_sum", "histogram", () => histogram.Sum, null, null, name);
        Add(name + "_count", "histogram", () => histogram.AtMost(bounds.Length), null, null, name);
        return histogram;
    }

    /// <summary>Shows the series of <paramref name="other"/> after these: what a role stands on, beside what it does.</summary>
    public void Include(MetricsRegistry? other) => _included = other;

    /// <summary>Prometheus text format 0.0.4.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        var typed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var series in Grouped())
        {
            var value = series.Read().ToString(CultureInfo.InvariantCulture);
            foreach (var name in series.Alias is null ? [series.Name] : (ReadOnlySpan<string>)[series.Name, series.Alias])
            {
                var bare = series.Family ?? Bare(name);
                if (typed.Add(bare))
                {
                    text.Append("# TYPE ").Append(bare).Append(' ').Append(series.Type).Append('\n');
                }

                text.Append(name).Append(' ').Append(value).Append('\n');
            }
        }

        foreach (var (name, type, read) in Families())
        {
            if (typed.Add(name)) text.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
            foreach (var (labels, value) in read()) text.Append(CultureInfo.InvariantCulture, $"{name}{{{labels}}} {value}\n");
        }

        return text.ToString();
    }

    /// <summary>Writes the members of the JSON form into an open object: the series that were given a key.</summary>
    public void WriteJson(Utf8JsonWriter writer)
    {
        foreach (var series in Snapshot())
        {
            if (series.JsonKey is not null)
            {
                writer.WriteNumber(series.JsonKey, (long)Math.Max(0, series.Read()));
            }
        }
    }

    /// <summary>Writes every series under its name, for roles whose JSON form the specification does not name key by key.</summary>
    public void WriteJsonByName(Utf8JsonWriter writer)
    {
        foreach (var series in Snapshot())
        {
            writer.WriteNumber(series.JsonKey ?? series.Name, (long)Math.Max(0, series.Read()));
        }
    }

    private static string Bare(string name) => name.IndexOf('{', StringComparison.Ordinal) is var brace and >= 0 ? name[..brace] : name;

    // All of one name together, as the format wants it, however late a label came.
    private IEnumerable<Series> Grouped() => Snapshot().GroupBy(series => series.Family ?? Bare(series.Name), StringComparer.Ordinal).SelectMany(group => group);

    private void Add(string name, string type, Func<double> read, string? jsonKey, string? alias, string? family = null)
    {
        lock (_series)
        {
            _series.Add(new Series(name, type, read, jsonKey, alias, family));
        }
    }

    private Series[] Snapshot()
    {
        lock (_series)
        {
            return [.. _series, .. _included?.Snapshot() ?? []];
        }
    }

    private (string Name, string Type, Func<IEnumerable<(string Labels, double Value)>> Read)[] Families()
    {
        lock (_series)
        {
            return [.. _families, .. _included?.Families() ?? []];
        }
    }

    private sealed record Series(string Name, string Type, Func<double> Read, string? JsonKey, string? Alias, string? Family);
}
