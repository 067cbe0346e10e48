using System.Text;
using System.Text.Json;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;

namespace Caracal.Keys.Tests.Rotation;

/// <summary>What the gates make of a service that is on its way to another login.</summary>
public sealed class ConvergenceTests
{
    private const string Old = "ver_00000000000000aa";
    private const string New = "ver_00000000000000bb";

    [Fact]
    public void Who_is_entering_with_a_value_holds_it_and_uses_it_and_is_not_on_it_yet()
    {
        var moving = Of(new RingSlots(Old, null, [Old], []), New);

        Assert.False(moving.SignsWith(New, Old).Ok);
        Assert.True(moving.HoldsNext(New).Ok);
        Assert.True(moving.HoldsBoth(Old, New).Ok);
        Assert.False(moving.CanBeForgotten(New).Ok);
        Assert.False(moving.NobodySignsWith(New).Ok);
        Assert.False(moving.NobodySignsWith(Old).Ok);

        var moved = Of(new RingSlots(New, null, [Old], []));
        Assert.True(moved.SignsWith(New, Old).Ok);
        Assert.True(moved.NobodySignsWith(Old).Ok);
        Assert.False(moved.CanBeForgotten(New).Ok);
    }

    // As a heartbeat carries it.
    private static Convergence Of(RingSlots slots, params string[] entering)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) HeldRing.Write(writer, [new HeldRing("postgres:sts", slots, "file", DateTimeOffset.UnixEpoch) { Entering = entering }]);
        var text = Encoding.UTF8.GetString(buffer.ToArray());
        Assert.Equal(entering.Length > 0, text.Contains("entering", StringComparison.Ordinal));
        return new Convergence(RotatableClass.Find("postgres:sts")!, [InstanceKeys.Of("sts", "one", DateTimeOffset.UnixEpoch, stopped: false, text)], DateTimeOffset.UnixEpoch);
    }
}
