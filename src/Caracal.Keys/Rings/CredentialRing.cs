using System.Collections.Immutable;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Rings;

/// <summary>How a service enters one of its stores: an address with a login and a password, replaced as a whole (operations.md 4.6.7, 4.6.8).</summary>
public sealed class CredentialRing
{
    /// <summary>What a value is called that has no id file beside it, because nothing has rotated it yet.</summary>
    public const string Unversioned = "ver_0000000000000000";

    private readonly Lock _replacing = new();
    private volatile Held _held;
    private string _entered;
    private SecretText? _entering;
    private ImmutableArray<string> _through = [];

    internal CredentialRing(SecretText current, RingSlots slots)
    {
        _held = new Held(current, slots);
        _entered = slots.Current;
    }

    /// <summary>The address now.</summary>
    public SecretText Current => _held.Current;

    /// <summary>Called with the new address, after it was taken; true as soon as everything enters with it, false when another came before that.</summary>
    public Func<SecretText, Task<bool>>? Changed { get; set; }

    /// <summary>Called with the same address when the one before it is taken away: what entered with that one is to enter anew.</summary>
    public Action<SecretText>? Retired { get; set; }

    /// <summary>Called when <see cref="Entered"/> has followed a new address.</summary>
    internal Action? Moved { get; set; }

    /// <summary>What was read last.</summary>
    internal RingSlots Slots => _held.Slots;

    /// <summary>
    /// What others are told: an address is not current before everything enters with it. Until then it is named apart, as is every
    /// other that something may have entered with since all did with one.
    /// </summary>
    internal (RingSlots Slots, ImmutableArray<string> Entering) Entered
    {
        get
        {
            lock (_replacing) return (_held.Slots with { Current = _entered }, _through.Remove(_entered));
        }
    }

    internal void Replace(SecretText current, RingSlots slots)
    {
        Held before;
        bool other;
        lock (_replacing)
        {
            before = _held;
            other = !before.Current.Equals(current);
            _held = new Held(current, slots);
            if (other) _entering = current;
            if (_entering is null) _entered = slots.Current;
            else if (!_through.Contains(slots.Current)) _through = _through.Add(slots.Current);
        }

        if (other) _ = FollowAsync(current, Changed?.Invoke(current) ?? Task.FromResult(true));
        else if (!before.Slots.Previous.IsEmpty && slots.Previous.IsEmpty) Retired?.Invoke(current);
    }

    private async Task FollowAsync(SecretText current, Task<bool> entered)
    {
        if (!await entered) return;
        lock (_replacing)
        {
            if (!ReferenceEquals(_entering, current)) return;
            _entering = null;
            _entered = _held.Slots.Current;
            _through = [];
        }

        Moved?.Invoke();
    }

    private sealed record Held(SecretText Current, RingSlots Slots);
}
