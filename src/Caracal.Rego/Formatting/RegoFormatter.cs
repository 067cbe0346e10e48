using Caracal.Rego.Syntax;

namespace Caracal.Rego;

/// <summary>A module's text in the one form, or the errors that prevented it.</summary>
public sealed record RegoFormatting(string? Text, IReadOnlyList<RegoError> Errors)
{
    /// <summary>Whether there is a text.</summary>
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(true, nameof(Text))]
    public bool Succeeded => Text is not null;
}

/// <summary>
/// Writes modules in one form: tabs, one statement of a body per line, lists broken as a whole or not at all. Names, literals,
/// comments and the order of everything stay as they are; a formatted text formats to itself.
/// </summary>
public static class RegoFormatter
{
    /// <summary>Formats a module of at most <see cref="RegoLimits.ModuleCharacters"/> characters.</summary>
    /// <param name="source">The module's text.</param>
    /// <param name="mode">Which syntax the text is in.</param>
    /// <param name="name">The name that appears in errors.</param>
    /// <returns>The text, or why it cannot be read: the errors of <see cref="RegoParser.Inspect"/>.</returns>
    public static RegoFormatting Format(string source, RegoLanguageMode mode = RegoLanguageMode.Auto, string name = "module.rego")
    {
        if (RegoParser.Inspect(source, mode, name) is { Succeeded: false, Errors: var errors }) return new(null, errors);
        var module = Parser.ParseText(name, source, mode);
        var text = new Formatting.ModuleWriter(module).Write();

        // Whatever the writer does, a text with another meaning never leaves this method.
        var again = RegoParser.Inspect(text, mode, name);
        if (!again.Succeeded) return again.Errors[0].Code == "content_too_large" ? new(null, again.Errors) : Refused(again.Errors[0].Line);
        var written = Parser.ParseModule(name, text, mode);
        return TreeText.Of(written) == TreeText.Of(module.Tree) && Comments(written).SequenceEqual(Comments(module.Tree))
            ? new(text, [])
            : Refused(1);

        static IEnumerable<string> Comments(ModuleTree tree) => tree.Comments.Select(c => c.TrimEnd());

        RegoFormatting Refused(int line) => new(null, [new RegoError("format_error", "formatting would change this module", name, line, 1)]);
    }
}
