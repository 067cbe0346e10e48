using System.Buffers.Text;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Tests.Sealing;

public class SignInSealTests
{
    private static readonly TokenRing Old = TokenRing.Of(KeyClass.AuthSecret, new string('a', 64));
    private static readonly TokenRing Fresh = TokenRing.Of(KeyClass.AuthSecret, new string('b', 64));

    [Fact]
    public void Refuses_every_changed_bit_and_every_cut()
    {
        var text = SignInSeal.Seal(Old, "who it is"u8);
        var bytes = Base64Url.DecodeFromChars(text);
        for (var i = 0; i < bytes.Length * 8; i++)
        {
            var changed = (byte[])bytes.Clone();
            changed[i / 8] ^= (byte)(1 << (i % 8));
            Assert.Null(SignInSeal.Open(Old, Base64Url.EncodeToString(changed)));
        }

        for (var length = 0; length < bytes.Length; length++) Assert.Null(SignInSeal.Open(Old, Base64Url.EncodeToString(bytes.AsSpan(0, length))));
        Assert.Null(SignInSeal.Open(Old, "not base64url!"));
    }

    [Fact]
    public void Refuses_the_seal_of_another_secret_and_accepts_that_of_a_previous_one()
    {
        var text = SignInSeal.Seal(Old, "who it is"u8);
        Assert.Null(SignInSeal.Open(Fresh, text));
        var rotated = new TokenRing(new TokenSet(KeyClass.AuthSecret, new SecretText(new string('b', 64)), null, [new SecretText(new string('a', 64))]));
        Assert.Equal("who it is"u8.ToArray(), SignInSeal.Open(rotated, text));
        Assert.Null(SignInSeal.Open(Old, SignInSeal.Seal(rotated, "who it is"u8)));
    }

    [Fact]
    public void Seals_the_same_twice_to_different_texts() =>
        Assert.NotEqual(SignInSeal.Seal(Old, "x"u8), SignInSeal.Seal(Old, "x"u8));
}
