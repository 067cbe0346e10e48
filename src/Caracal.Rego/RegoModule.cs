namespace Caracal.Rego;

/// <summary>One policy source text; the name appears in error messages.</summary>
public sealed record RegoModule(string Name, string Source);

/// <summary>A compile or evaluation error with its place in the source.</summary>
public sealed record RegoError(string Code, string Message, string File, int Line, int Column)
{
    /// <summary>The form <c>file:line: code: message</c>; without a file the code comes first.</summary>
    public override string ToString() => File.Length == 0 ? $"{Code}: {Message}" : $"{File}:{Line}: {Code}: {Message}";
}
