namespace Caracal.Evidence.Canonical;

/// <summary>Well-formed JSON that has no canonical form here: a number out of range, or a text beyond the size bound.</summary>
public sealed class CanonicalFormException(string message) : Exception(message);
