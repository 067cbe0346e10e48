using System.Text.Json;

namespace Caracal.Protocol.Mandates;

/// <summary>Reads a mandate payload once. A claim of a wrong type is kept out and marks the result as not well typed.</summary>
internal ref struct ClaimsReader
{
    private Utf8JsonReader _reader;
    private bool _wellTyped;
    private uint _seen;

    // Gathered in fields and copied once: a record copied per claim cost more than the parsing.
    private string? _issuer, _subject, _jti, _zoneId, _clientId, _scope, _sid, _rootSid, _use, _subjectType;
    private string? _agentSessionId, _delegationEdgeId, _sourceSessionId, _targetSessionId;
    private IReadOnlyList<string> _audience = [], _target = [], _delegationPath = [];
    private IReadOnlyList<DelegationHop> _delegationChain = [];
    private long _expiresAt, _graphEpoch;
    private long? _issuedAt, _notBefore;
    private int _hopCount;

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

        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            if (MayBeKnown())
            {
                ReadClaim();
            }
            else
            {
                _reader.Read();
                _reader.Skip();
            }
        }

        return _reader.TokenType == JsonTokenType.EndObject && !_reader.Read() ? ToClaims() : null;
    }

    // A claim that nobody knows costs one look at its length: thousands of them must not cost more than a signature.
    private readonly bool MayBeKnown() => _reader.ValueIsEscaped || _reader.ValueSpan.Length is 3 or (>= 5 and <= 9) or (>= 15 and <= 18) or 22;

    private void ReadClaim()
    {
        if (_reader.ValueTextEquals("iss"u8)) { Once(0); _issuer = Text(); }
        else if (_reader.ValueTextEquals("sub"u8)) { Once(1); _subject = Text(); }
        else if (_reader.ValueTextEquals("aud"u8)) { Once(2); _audience = TextOrTexts(); }
        else if (_reader.ValueTextEquals("exp"u8)) { Once(3); _expiresAt = Number() ?? 0; }
        else if (_reader.ValueTextEquals("iat"u8)) { Once(4); _issuedAt = Number(); }
        else if (_reader.ValueTextEquals("nbf"u8)) { Once(5); _notBefore = Number(); }
        else if (_reader.ValueTextEquals("jti"u8)) { Once(6); _jti = Text(); }
        else if (_reader.ValueTextEquals("zone_id"u8)) { Once(7); _zoneId = Text(); }
        else if (_reader.ValueTextEquals("client_id"u8)) { Once(8); _clientId = Text(); }
        else if (_reader.ValueTextEquals("scope"u8)) { Once(9); _scope = Text(); }
        else if (_reader.ValueTextEquals("sid"u8)) { Once(10); _sid = Text(); }
        else if (_reader.ValueTextEquals("root_sid"u8)) { Once(11); _rootSid = Text(); }
        else if (_reader.ValueTextEquals("use"u8)) { Once(12); _use = Text(); }
        else if (_reader.ValueTextEquals("sub_type"u8)) { Once(13); _subjectType = Text(); }
        else if (_reader.ValueTextEquals("target"u8)) { Once(14); _target = Texts(); }
        else { ReadDelegationClaim(); }
    }

    private void ReadDelegationClaim()
    {
        if (_reader.ValueTextEquals("agent_session_id"u8)) { Once(15); _agentSessionId = Text(); }
        else if (_reader.ValueTextEquals("delegation_edge_id"u8)) { Once(16); _delegationEdgeId = Text(); }
        else if (_reader.ValueTextEquals("source_session_id"u8)) { Once(17); _sourceSessionId = Text(); }
        else if (_reader.ValueTextEquals("target_session_id"u8)) { Once(18); _targetSessionId = Text(); }
        else if (_reader.ValueTextEquals("delegation_path"u8)) { Once(19); _delegationPath = Texts(); }
        else if (_reader.ValueTextEquals("delegation_chain"u8)) { Once(20); _delegationChain = Chain(); }
        else if (_reader.ValueTextEquals("hop_count"u8)) { Once(21); _hopCount = (int)Math.Min(NonNegative(), int.MaxValue); }
        else if (_reader.ValueTextEquals("delegation_graph_epoch"u8)) { Once(22); _graphEpoch = NonNegative(); }
        else
        {
            _reader.Read();
            _reader.Skip();
        }
    }

    private readonly MandateClaims ToClaims() => new()
    {
        Issuer = _issuer,
        Subject = _subject,
        Audience = _audience,
        ExpiresAt = _expiresAt,
        IssuedAt = _issuedAt,
        NotBefore = _notBefore,
        Jti = _jti,
        ZoneId = _zoneId,
        ClientId = _clientId,
        Scope = _scope,
        Sid = _sid,
        RootSid = _rootSid,
        Use = _use,
        SubjectType = _subjectType,
        Target = _target,
        AgentSessionId = _agentSessionId,
        DelegationEdgeId = _delegationEdgeId,
        SourceSessionId = _sourceSessionId,
        TargetSessionId = _targetSessionId,
        DelegationPath = _delegationPath,
        DelegationChain = _delegationChain,
        HopCount = _hopCount,
        GraphEpoch = _graphEpoch,
        WellTyped = _wellTyped,
    };

    // A claim that is there twice means one thing to us and may mean another to the next reader.
    private void Once(int claim)
    {
        _wellTyped &= (_seen & (1u << claim)) == 0;
        _seen |= 1u << claim;
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
