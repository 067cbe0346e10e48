using System.Text.Json.Nodes;
using Caracal.Authority.Policies;
using Caracal.Cli.CommandLine;
using Caracal.Rego;

namespace Caracal.Cli.Policies;

/// <summary><c>caracal policy check</c>: whether modules can be loaded, and everything that stands against it.</summary>
internal static class PolicyCheck
{
    public static int Run(CommandContext context)
    {
        context.Arguments.RequireKnown("json", "upload", "syntax", "all-builtins");
        var modules = PolicySources.Modules([.. context.Arguments.Operands.Skip(1)]);
        var errors = Errors(modules, context.Arguments);
        var rules = modules.Sum(m => RegoParser.Inspect(m.Source, PolicySources.Syntax(context.Arguments), m.Name).Module?.Rules.Count ?? 0);
        var report = new SourceReport(modules);
        if (context.Json)
        {
            context.Terminal.Write(PolicyJson.Text(new JsonObject
            {
                ["ok"] = errors.Count == 0,
                ["files"] = modules.Count,
                ["rules"] = rules,
                ["errors"] = PolicyJson.Array(errors.Select(report.Json)),
            }));
            return errors.Count == 0 ? 0 : 1;
        }

        foreach (var error in errors) report.Print(context.Terminal, error);
        if (errors.Count == 0) context.Terminal.Success($"{Words.Count(modules.Count, "file")}, {Words.Count(rules, "rule")}: no errors");
        else context.Terminal.Error($"{Words.Count(errors.Count, "error")} in {Words.Count(errors.Select(e => e.File).Distinct(StringComparer.Ordinal).Count(), "file")} of {modules.Count}");
        return errors.Count == 0 ? 0 : 1;
    }

    /// <summary>
    /// What stands against loading the modules. The compiler stops at the first phase with errors and reports ten; texts that
    /// cannot be read are all told, one error each.
    /// </summary>
    private static List<RegoError> Errors(IReadOnlyList<RegoModule> modules, Arguments arguments)
    {
        var options = PolicySources.Options(arguments);
        var errors = modules.SelectMany(m => RegoParser.Inspect(m.Source, options.Mode, m.Name).Errors).ToList();
        if (errors.Count == 0) errors.AddRange(RegoCompiler.Compile(modules, options).Errors);
        if (errors.Count > 0 || !arguments.IsOn("upload")) return errors;
        foreach (var module in modules)
        {
            if (PolicyContent.Validate(module.Source, customAllowed: true).Code is { } code)
                errors.Add(new RegoError("invalid_rego", code, module.Name, 1, 1));
        }

        return errors;
    }
}

/// <summary>Numbers in sentences.</summary>
internal static class Words
{
    public static string Count(int count, string word) => $"{count} {word}{(count == 1 ? "" : "s")}";
}
