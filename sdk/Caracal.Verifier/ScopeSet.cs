namespace Caracal.Verifier;

/// <summary>A scope string, split at white space.</summary>
internal static class ScopeSet
{
    /// <summary>An empty requirement never matches.</summary>
    public static bool Contains(ReadOnlySpan<char> scopes, ReadOnlySpan<char> wanted)
    {
        if (wanted.IsEmpty)
        {
            return false;
        }

        while (!scopes.IsEmpty)
        {
            scopes = scopes.TrimStart();
            var end = 0;
            while (end < scopes.Length && !char.IsWhiteSpace(scopes[end]))
            {
                end++;
            }

            if (scopes[..end].SequenceEqual(wanted))
            {
                return true;
            }

            scopes = scopes[end..];
        }

        return false;
    }
}
