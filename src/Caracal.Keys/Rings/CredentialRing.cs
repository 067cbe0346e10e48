using Caracal.Keys.Secrets;

namespace Caracal.Keys.Rings;

/// <summary>How a service enters one of its stores: an address with a login and a password, replaced as a whole (operations.md 4.6.7, 4.6.8).</summary>
public sealed class CredentialRing
{
    /// <summary>What a value is called that has no id file beside it, because nothing has rotated it yet.</summary>
    public const string Unversioned = "ver_0000000000000000";

    private volatile Held _held;

    internal CredentialRing(SecretText current, RingSlots slots) => _held = new Held(current, slots);

    /// <summary>The address now.</summary>
    public SecretText Current => _held.Current;

    /// <summary>Called with the new address, after it was taken.</summary>
    public Action<SecretText>? Changed { get; set; }

    /// <summary>Called with the same address when the one before it is taken away: what entered with that one is to enter anew.</summary>
    public Action<SecretText>? Retired { get; set; }

    internal RingSlots Slots => _held.Slots;

    internal void Replace(SecretText current, RingSlots slots)
    {
        var before = _held;
        _held = new Held(current, slots);
        if (!before.Current.Equals(current)) Changed?.Invoke(current);
        else if (!before.Slots.Previous.IsEmpty && slots.Previous.IsEmpty) Retired?.Invoke(current);
    }

    private sealed record Held(SecretText Current, RingSlots Slots);
}
