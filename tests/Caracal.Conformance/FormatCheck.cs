using Caracal.Rego;

namespace Caracal.Conformance;

/// <summary>Formats the modules of every case: what can be read can be formatted, and a formatted text formats to itself.</summary>
internal static class FormatCheck
{
    /// <summary>Prints what goes wrong and answers how many modules were formatted and how many failed.</summary>
    public static (int Formatted, int Failed) Run(IEnumerable<Case> cases, TextWriter output)
    {
        var (formatted, failed) = (0, 0);
        foreach (var test in cases)
        {
            var mode = test.Group == "v0" || test.RegoVersion == "v0" ? RegoLanguageMode.V0 : RegoLanguageMode.V1;
            foreach (var module in test.Modules)
            {
                if (!RegoParser.Inspect(module.Source, mode, module.Name).Succeeded) continue;
                if (Problem(module, mode) is not { } problem)
                {
                    formatted++;
                    continue;
                }

                failed++;
                output.WriteLine($"FAIL {test.Id} {module.Name}: {problem}\n  | {module.Source.ReplaceLineEndings("\n  | ")}");
            }
        }

        return (formatted, failed);
    }

    private static string? Problem(RegoModule module, RegoLanguageMode mode)
    {
        var first = RegoFormatter.Format(module.Source, mode, module.Name);
        if (!first.Succeeded) return first.Errors[0].ToString();
        var second = RegoFormatter.Format(first.Text, mode, module.Name);
        if (!second.Succeeded) return $"its own text: {second.Errors[0]}\n{first.Text}";
        return second.Text == first.Text ? null : $"not stable:\n{first.Text}---\n{second.Text}";
    }
}
