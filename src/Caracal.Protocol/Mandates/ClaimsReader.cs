using System.Text.Json;

namespace Caracal.Protocol.Mandates;

/// <summary>Reads a mandate payload once. A claim of a wrong type is kept out and marks the result as not well typed.</summary>
internal ref struct ClaimsReader
{
    private Utf8JsonReader _reader;
    private bool _wellTyped;

    private ClaimsReader(ReadOnlySpan<byte> payload)
    {
        _reader = new Utf8JsonReader(payload);
        _wellTyped = true;
    }

    /// <summary>Returns null when the payload is not one JSON object.</summary>
    public static MandateClaims? TryRead(ReadOnlySpan<byte> payload)
    {
        try
        {
            return new ClaimsReader(payload).Read();
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            return null; // a string holds invalid UTF-8 or a lone surrogate
        }
    }

    private MandateClaims? Read()
    {
        if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }

        var claims = new MandateClaims();
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            claims = ReadClaim(claims);
        }

        if (_reader.TokenType != JsonTokenType.EndObject || _reader.Read())
        {
            return null;
        }

        return claims with { WellTyped = _wellTyped };
    }

    private MandateClaims ReadClaim(MandateClaims c)
    {
        if (_reader.ValueTextEquals("iss"u8)) { return c with { Issuer = Text() }; }
        if (_reader.ValueTextEquals("sub"u8)) { return c with { Subject = Text() }; }
        if (_reader.ValueTextEquals("aud"u8)) { return c with { Audience = TextOrTexts() }; }
        if (_reader.ValueTextEquals("exp"u8)) { return c with { ExpiresAt = Number() ?? 0 }; }
        if (_reader.ValueTextEquals("iat"u8)) { return c with { IssuedAt = Number() }; }
        if (_reader.ValueTextEquals("nbf"u8)) { return c with { NotBefore = Number() }; }
        if (_reader.ValueTextEquals("jti"u8)) { return c with { Jti = Text() }; }
        if (_reader.ValueTextEquals("zone_id"u8)) { return c with { ZoneId = Text() }; }
        if (_reader.ValueTextEquals("client_id"u8)) { return c with { ClientId = Text() }; }
        if (_reader.ValueTextEquals("scope"u8)) { return c with { Scope = Text() }; }
        if (_reader.ValueTextEquals("sid"u8)) { return c with { Sid = Text() }; }
        if (_reader.ValueTextEquals("root_sid"u8)) { return c with { RootSid = Text() }; }
        if (_reader.ValueTextEquals("use"u8)) { return c with { Use = Text() }; }
        if (_reader.ValueTextEquals("sub_type"u8)) { return c with { SubjectType = Text() }; }
        if (_reader.ValueTextEquals("target"u8)) { return c with { Target = Texts() }; }
        return ReadDelegationClaim(c);
    }

    private MandateClaims ReadDelegationClaim(MandateClaims c)
    {
        if (_reader.ValueTextEquals("agent_session_id"u8)) { return c with { AgentSessionId = Text() }; }
        if (_reader.ValueTextEquals("delegation_edge_id"u8)) { return c with { DelegationEdgeId = Text() }; }
        if (_reader.ValueTextEquals("source_session_id"u8)) { return c with { SourceSessionId = Text() }; }
        if (_reader.ValueTextEquals("target_session_id"u8)) { return c with { TargetSessionId = Text() }; }
        if (_reader.ValueTextEquals("delegation_path"u8)) { return c with { DelegationPath = Texts() }; }
        if (_reader.ValueTextEquals("delegation_chain"u8)) { return c with { DelegationChain = Chain() }; }
        if (_reader.ValueTextEquals("hop_count"u8)) { return c with { HopCount = (int)Math.Min(NonNegative(), int.MaxValue) }; }
        if (_reader.ValueTextEquals("delegation_graph_epoch"u8)) { return c with { GraphEpoch = NonNegative() }; }
        _reader.Read();
        _reader.Skip();
        return c;
    }

    private string? Text()
    {
        _reader.Read();
        switch (_reader.TokenType)
        {
            case JsonTokenType.String:
                var text = _reader.GetString();
                return text!.Length == 0 ? null : text;
            case JsonTokenType.Null:
                return null;
            default:
                _wellTyped = false;
                _reader.Skip();
                return null;
        }
    }

    private long? Number()
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out var value))
        {
            return value;
        }

        _wellTyped = false;
        _reader.Skip();
        return null;
    }

    private long NonNegative()
    {
        var value = Number() ?? 0;
        if (value < 0)
        {
            _wellTyped = false;
            return 0;
        }

        return value;
    }

    private IReadOnlyList<string> TextOrTexts()
    {
        var probe = _reader;
        probe.Read();
        if (probe.TokenType != JsonTokenType.String)
        {
            return Texts();
        }

        var one = Text();
        return one is null ? [] : [one];
    }

    private IReadOnlyList<string> Texts()
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.Null)
        {
            return [];
        }

        if (_reader.TokenType != JsonTokenType.StartArray)
        {
            _wellTyped = false;
            _reader.Skip();
            return [];
        }

        var values = new List<string>(2);
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            if (_reader.TokenType == JsonTokenType.String && _reader.GetString() is { Length: > 0 } value)
            {
                values.Add(value);
            }
            else
            {
                _wellTyped = false;
                _reader.Skip();
            }
        }

        return values;
    }

    private IReadOnlyList<DelegationHop> Chain()
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.Null)
        {
            return [];
        }

        if (_reader.TokenType != JsonTokenType.StartArray)
        {
            _wellTyped = false;
            _reader.Skip();
            return [];
        }

        var hops = new List<DelegationHop>(2);
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            if (_reader.TokenType == JsonTokenType.StartObject && Hop() is { } hop)
            {
                hops.Add(hop);
            }
            else
            {
                _wellTyped = false;
                _reader.Skip();
            }
        }

        return hops;
    }

    private DelegationHop? Hop()
    {
        string? application = null, session = null, edge = null;
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            if (_reader.ValueTextEquals("application_id"u8)) { application = Text(); }
            else if (_reader.ValueTextEquals("agent_session_id"u8)) { session = Text(); }
            else if (_reader.ValueTextEquals("delegation_edge_id"u8)) { edge = Text(); }
            else
            {
                _reader.Read();
                _reader.Skip();
            }
        }

        return application is null ? null : new DelegationHop(application, session, edge);
    }
}
