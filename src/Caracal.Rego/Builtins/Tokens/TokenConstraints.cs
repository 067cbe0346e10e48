using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins.Tokens;

/// <summary>What a token must satisfy: the key, and the claims.</summary>
internal sealed record TokenConstraints(string Key, bool HasSecret, string? Algorithm, string? Issuer, string? Audience, NumberValue? Time)
{
    private const int NanosecondDigits = 9;

    public static TokenConstraints Read(ObjectValue constraints)
    {
        foreach (var (key, _) in constraints.Properties)
        {
            if (key is not StringValue { Text: "cert" or "secret" or "alg" or "iss" or "aud" or "time" })
                throw new TokenFault($"unknown token validation constraint: {key}");
        }

        var (certificate, secret) = (Text("cert"), Text("secret"));
        if (certificate is null == secret is null)
            throw new TokenFault(secret is null ? "no key constraint" : "duplicate key constraints");
        var time = constraints.Find("time");
        if (time is not (null or NumberValue)) throw new TokenFault("token time constraint: must be a number");
        return new TokenConstraints(certificate ?? secret!, secret is not null, Text("alg"), Text("iss"), Text("aud"), (NumberValue?)time);

        string? Text(string name) => constraints.Find(name) switch
        {
            null => null,
            StringValue s => s.Text,
            _ => throw new TokenFault($"{name} constraint: must be a string"),
        };
    }

    /// <summary>A secret is never used as a public key, nor a public key as a secret.</summary>
    public bool Allows(TokenSignature signature) => signature.IsKeyed == HasSecret && (Algorithm is null || Algorithm == signature.Name);

    public bool Accepts(ObjectValue payload, NumberValue? now)
    {
        if (Issuer is not null && !(payload.Find("iss") is StringValue issuer && issuer.Text == Issuer)) return false;
        return AudienceHolds(payload.Find("aud")) && !Reached(payload, "exp", now) && (payload.Find("nbf") is null || Reached(payload, "nbf", now));
    }

    /// <summary>A token for somebody is not for everybody: without the constraint it must name no audience.</summary>
    private bool AudienceHolds(RegoValue? audience) => audience switch
    {
        null => Audience is null,
        StringValue one => one.Text == Audience,
        ArrayValue many => Audience is not null && many.Items.Any(item => item is StringValue s && s.Text == Audience),
        _ => false,
    };

    private static bool Reached(ObjectValue payload, string claim, NumberValue? now)
    {
        if (payload.Find(claim) is not { } value) return false;
        if (value is not NumberValue seconds) throw new TokenFault($"{claim} value must be a number");
        if (now is null) throw new TokenFault($"{claim} cannot be judged: the evaluation has no time");
        return NumberValue.Compare(now, NumberValue.From(seconds.Coefficient, seconds.Exponent + NanosecondDigits)) >= 0;
    }
}
