using System.Text.RegularExpressions;
using Caracal.Keys.Rings;

namespace Caracal.Keys.Secrets;

// Ways into the stores. A password may be one that somebody made up, so its id is written beside it and never derived from it (operations.md 2.5).
public sealed partial class SecretSource
{
    /// <summary>An address with a password, such as <c>DATABASE_URL</c>; null when it is not set anywhere.</summary>
    /// <param name="variable">Name without role prefix.</param>
    /// <param name="fileName">File in the secrets folder.</param>
    /// <param name="classId">For example <c>postgres:sts</c>.</param>
    /// <param name="problemOf">Why a text cannot be used, without repeating it; asked again before a new one is taken.</param>
    public CredentialRing? Credential(string variable, string fileName, string classId, Func<string, string?> problemOf)
    {
        if (Find(variable, fileName) is not { } secret) return null;
        var ring = new CredentialRing(secret.Value, SlotsOf(secret));
        rings.Add(new LoadedRing(classId, secret.Source, () => ring.Slots, fresh => fresh.ReadAgain(ring, variable, fileName, problemOf)) { Entry = ring });
        return ring;
    }

    private RingReplacement? ReadAgain(CredentialRing ring, string variable, string fileName, Func<string, string?> problemOf)
    {
        if (Require(variable, fileName) is not { } read) return null;
        if (problemOf(read.Value.Reveal()) is { } problem)
        {
            problems.Add($"{variable} {problem}");
            return null;
        }

        var slots = SlotsOf(read);
        return new RingReplacement(slots, () => ring.Replace(read.Value, slots)) { IsOther = !read.Value.Equals(ring.Current) };
    }

    private static RingSlots SlotsOf(ResolvedSecret secret)
    {
        if (secret.Path is not { } path) return new RingSlots(CredentialRing.Unversioned, null, [], []);
        var next = File.Exists(path + ".next") ? IdOf(path + ".next") : null;

        // A promotion may have been cut off before it wrote the id of what is current now.
        var current = next is not null && TextOf(path + ".next") == secret.Value.Reveal() ? next : IdOf(path);
        return new RingSlots(current, next, File.Exists(path + ".previous") ? [IdOf(path + ".previous")] : [], []);
    }

    private static string IdOf(string path) => TextOf(path + ".id") is { } id && VersionPattern().IsMatch(id) ? id : CredentialRing.Unversioned;

    private static string? TextOf(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (IOException)
        {
            return null;
        }
    }

    [GeneratedRegex("^ver_[0-9a-f]{16}$")]
    private static partial Regex VersionPattern();
}
