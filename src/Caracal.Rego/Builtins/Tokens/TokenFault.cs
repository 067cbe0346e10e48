namespace Caracal.Rego.Builtins.Tokens;

/// <summary>A token, a key or a constraint that is not what it must be; the builtin fails with this text.</summary>
internal sealed class TokenFault(string message) : Exception(message);
