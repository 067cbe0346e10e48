using Caracal.Authority.Idempotency;

namespace Caracal.Authority.Tests.Idempotency;

public sealed class IdempotencyRulesTests
{
    [Theory]
    [InlineData("")]
    [InlineData(" a")]
    [InlineData("a ")]
    [InlineData("a\u00a0")]
    [InlineData("a\nb")]
    [InlineData("a\u0000")]
    [InlineData("a\u007f")]
    public void Refuses_a_key_that_is_none(string key) =>
        Assert.Same(IdempotencyRefusals.KeyInvalid, IdempotencyRules.CheckKey([key]));

    [Fact]
    public void Measures_keys_in_bytes()
    {
        Assert.Null(IdempotencyRules.CheckKey([new string('k', 255)]));
        Assert.Null(IdempotencyRules.CheckKey([new string('ü', 127)]));
        Assert.NotNull(IdempotencyRules.CheckKey([new string('ü', 128)]));
        Assert.NotNull(IdempotencyRules.CheckKey([null]));
    }

    [Fact]
    public void Takes_one_key_or_none()
    {
        Assert.Null(IdempotencyRules.CheckKey([]));
        Assert.Same(IdempotencyRefusals.KeyMultiple, IdempotencyRules.CheckKey(["a", "a"]));
    }

    [Fact]
    public void Replays_the_same_request_while_its_result_lives()
    {
        var receipt = new Receipt { RequestDigest = [1, 2] };
        Assert.Null(IdempotencyRules.CheckReplay(receipt, [1, 2], resultIsLive: true));
        Assert.Same(IdempotencyRefusals.ResultInactive, IdempotencyRules.CheckReplay(receipt, [1, 2], resultIsLive: false));
        Assert.Same(IdempotencyRefusals.KeyConflict, IdempotencyRules.CheckReplay(receipt, [1, 3], resultIsLive: false));
    }
}
