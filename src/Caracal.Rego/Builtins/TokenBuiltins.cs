using Caracal.Rego.Builtins.Tokens;
using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>JSON Web Tokens: taken apart, and their signatures and claims checked. None is ever made here.</summary>
internal static class TokenBuiltins
{
    private const int MaxNesting = 8;

    private static readonly RegoValue s_refused = RegoValue.Array([RegoValue.False, RegoValue.EmptyObject, RegoValue.EmptyObject]);

    public static void AddTo(BuiltinSet all)
    {
        all.Add("io.jwt.decode", ["string"], static (in c) =>
        {
            try
            {
                var token = Innermost(c.Text(0), out _);
                return RegoValue.Array([token.Header, token.Payload(), RegoValue.String(Convert.ToHexString(token.Signature()).ToLowerInvariant())]);
            }
            catch (TokenFault fault)
            {
                return c.Fail(fault.Message);
            }
        });
        // The claims are judged by the evaluation's time when the policy gives none.
        all.Add(new Builtin("io.jwt.decode_verify", ["string", "object"], DecodeVerify) { Varies = true });
        foreach (var signature in TokenSignature.All)
        {
            all.Add("io.jwt.verify_" + signature.Name.ToLowerInvariant(), ["string", "string"], (in c) =>
            {
                try
                {
                    return RegoValue.Boolean(Holds(signature, WebToken.Read(c.Text(0)), c.Text(1), c));
                }
                catch (TokenFault fault)
                {
                    return c.Fail(fault.Message);
                }
            });
        }
    }

    private static bool Holds(TokenSignature signature, WebToken token, string key, in BuiltinCall c)
    {
        c.Context.Charge(TokenSignature.Steps);
        if (signature.IsKeyed) return signature.Holds(token, key);
        var keys = TokenKeys.Read(key);
        try
        {
            c.Context.Charge((long)keys.Count * TokenSignature.Steps);
            return signature.Holds(token, keys);
        }
        finally
        {
            foreach (var one in keys) one.Dispose();
        }
    }

    private static WebToken Innermost(string text, out List<WebToken> around)
    {
        around = [];
        var token = WebToken.Read(text);
        while (token.IsNested)
        {
            if (around.Count >= MaxNesting) throw new TokenFault("tokens nest too deeply");
            around.Add(token);
            token = WebToken.Read(token.Inner());
        }

        return token;
    }

    private static RegoValue? DecodeVerify(in BuiltinCall c)
    {
        try
        {
            var constraints = TokenConstraints.Read((ObjectValue)c[1]);
            var token = Innermost(c.Text(0), out var around);
            foreach (var each in around.Append(token))
            {
                if (TokenSignature.Find(each.HeaderText("alg")) is not { } signature || !constraints.Allows(signature)) return s_refused;
                if (!Holds(signature, each, constraints.Key, c)) return s_refused;
            }

            var payload = token.Payload();
            return constraints.Accepts(payload, Now(constraints, c)) ? RegoValue.Array([RegoValue.True, token.Header, payload]) : s_refused;
        }
        catch (TokenFault fault)
        {
            return c.Fail(fault.Message);
        }
    }

    /// <summary>Nanoseconds: the constraint's time, or the evaluation's; null when neither is known.</summary>
    private static NumberValue? Now(TokenConstraints constraints, in BuiltinCall c) =>
        constraints.Time ?? (c.Context.Options.Now is { } now ? NumberValue.From((now.UtcDateTime - DateTime.UnixEpoch).Ticks * 100) : null);
}
