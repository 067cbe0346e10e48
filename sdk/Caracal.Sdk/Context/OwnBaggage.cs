namespace Caracal.Sdk;

/// <summary>
/// The encoded baggage of one context. A record copies its fields when it is changed: the copy finds that this is not of
/// it. Equal to every other, because it says nothing that the context does not say.
/// </summary>
internal readonly struct OwnBaggage(CaracalContext owner, string? text) : IEquatable<OwnBaggage>
{
    private readonly Encoded? _encoded = new(owner, text); // one reference, so that two threads never see halves

    public string? Text => _encoded?.Text;

    public bool IsOf(CaracalContext context) => ReferenceEquals(_encoded?.Owner, context);

    public bool Equals(OwnBaggage other) => true;

    public override bool Equals(object? obj) => obj is OwnBaggage;

    public override int GetHashCode() => 0;

    private sealed class Encoded(CaracalContext owner, string? text)
    {
        public CaracalContext Owner { get; } = owner;

        public string? Text { get; } = text;
    }
}
