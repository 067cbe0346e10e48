using System.Globalization;
using System.Text.Json;
using Caracal.Conformance;

if (args.Length == 0)
{
    Console.Error.WriteLine("usage: Caracal.Conformance <folder> [--scope language,P1,P2,P3] [--only text] [--json out] [--quiet]\n       Caracal.Conformance <folder> --format");
    return 2;
}

var folder = args[0];
if (!Directory.Exists(folder))
{
    Console.Error.WriteLine($"no such folder: {folder}");
    return 2;
}

if (args.Contains("--format"))
{
    var (formatted, broken) = FormatCheck.Run(Case.ReadAll(folder), Console.Out);
    Console.WriteLine($"{formatted} modules formatted, {broken} failed");
    return broken == 0 && formatted > 0 ? 0 : 1;
}

var scopes = (Option("--scope") ?? "language,P1,P2").Split(',', StringSplitOptions.TrimEntries).ToHashSet(StringComparer.Ordinal);
var only = Option("--only");
var quiet = args.Contains("--quiet");
var rows = new SortedDictionary<string, (int Passed, int Failed, int Skipped, string Scope)>(StringComparer.Ordinal);
var failures = new List<object>();

foreach (var test in Case.ReadAll(folder))
{
    if (only is not null && !test.Id.Contains(only, StringComparison.Ordinal)) continue;
    var key = $"{test.Group}/{test.Category}" + (test.Scope != Scopes.Of(test.Category, "") && test.Group != "own" ? $" ({test.Scope})" : "");
    var row = rows.GetValueOrDefault(key, (Passed: 0, Failed: 0, Skipped: 0, test.Scope));
    if (!scopes.Contains(test.Scope))
    {
        row.Skipped++;
        rows[key] = row;
        continue;
    }

    var problem = CaseRunner.Run(test);
    if (problem is null)
    {
        row.Passed++;
    }
    else
    {
        row.Failed++;
        failures.Add(new { id = test.Id, note = test.Note, problem });
        if (quiet)
        {
            Console.WriteLine($"FAIL {test.Id} [{test.Note}] {problem}");
        }
        else
        {
            Console.WriteLine($"FAIL {test.Id}\n  {test.Note}\n  {problem}\n  query: {test.Query}");
            foreach (var module in test.Modules) Console.WriteLine("  | " + module.Source.ReplaceLineEndings("\n  | "));
        }
    }

    rows[key] = row;
}

Console.WriteLine();
Console.WriteLine($"{"category",-50} {"scope",-9} {"passed",7} {"failed",7} {"skipped",8}");
foreach (var (key, row) in rows.Where(r => !quiet || r.Value.Failed > 0)) Print(key, row.Scope, row);
foreach (var scope in rows.GroupBy(r => (r.Key.Split('/')[0], r.Value.Scope)).OrderBy(g => g.Key.Item1).ThenBy(g => g.Key.Scope))
{
    Print($"total {scope.Key.Item1}", scope.Key.Scope, Sum(scope.Select(r => r.Value)));
}

if (rows.Count == 0)
{
    Console.Error.WriteLine($"no cases below {folder}");
    return 2;
}

var total = Sum(rows.Values);
Print("total", "", total);
if (Option("--json") is { } path)
{
    var report = new { passed = total.Passed, failed = total.Failed, skipped = total.Skipped, failures };
    File.WriteAllText(path, JsonSerializer.Serialize(report));
}

return total.Failed == 0 ? 0 : 1;

string? Option(string name) => Array.IndexOf(args, name) is >= 0 and var i && i + 1 < args.Length ? args[i + 1] : null;

static (int Passed, int Failed, int Skipped, string Scope) Sum(IEnumerable<(int Passed, int Failed, int Skipped, string Scope)> rows)
{
    var sum = (Passed: 0, Failed: 0, Skipped: 0, Scope: "");
    foreach (var row in rows)
    {
        sum.Passed += row.Passed;
        sum.Failed += row.Failed;
        sum.Skipped += row.Skipped;
    }

    return sum;
}

static void Print(string name, string scope, (int Passed, int Failed, int Skipped, string Scope) row) =>
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-50} {scope,-9} {row.Passed,7} {row.Failed,7} {row.Skipped,8}"));
