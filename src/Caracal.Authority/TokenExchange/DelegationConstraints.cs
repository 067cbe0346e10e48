using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Caracal.Authority.TokenExchange;

/// <summary>What an edge's <c>constraints_json</c> says, as the STS understands it (sts.md 7 step 2).</summary>
public sealed record DelegationConstraints
{
    private const int MaximumHops = 10;

    public static readonly DelegationConstraints None = new();

    public ImmutableArray<string> Resources { get; init; } = [];
    public long? TtlSeconds { get; init; }

    /// <summary>How many counted edges a lineage may have.</summary>
    public int MaxHops { get; init; } = 1;

    /// <summary>As stored; it is only parsed where it clamps a lifetime (sts.md 2.1 step 20).</summary>
    public string? ExpiresAt { get; init; }

    /// <summary>Null when the document holds anything the STS does not know or a value out of range.</summary>
    public static DelegationConstraints? TryParse(string? json)
    {
        if (string.IsNullOrWhiteSpace(json) || json is "{}" or "null")
        {
            return None;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object ? Read(document.RootElement) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The absolute end, if one is set; false when it cannot be read.</summary>
    public bool TryGetExpiry(out DateTimeOffset? expiry)
    {
        expiry = null;
        if (ExpiresAt is null)
        {
            return true;
        }

        if (!DateTimeOffset.TryParse(ExpiresAt, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            return false;
        }

        expiry = time;
        return true;
    }

    private static DelegationConstraints? Read(JsonElement root)
    {
        var result = None;
        int? depth = null;
        int? hops = null;
        foreach (var member in root.EnumerateObject())
        {
            var value = member.Value;
            var absent = value.ValueKind == JsonValueKind.Null;
            switch (member.Name)
            {
                case "resources":
                    if (!absent && Texts(value) is not { } list) return null;
                    else if (!absent) result = result with { Resources = Texts(value)!.Value };
                    break;
                case "ttl_seconds":
                    if (!absent && !IsCount(value)) return null;
                    result = result with { TtlSeconds = absent ? null : value.GetInt64() };
                    break;
                case "max_depth":
                    if (!absent && !IsCount(value)) return null;
                    depth = absent ? null : (int)Math.Min(value.GetInt64(), int.MaxValue);
                    break;
                case "max_hops":
                    if (!absent && !IsCount(value)) return null;
                    hops = absent ? null : (int)Math.Min(value.GetInt64(), int.MaxValue);
                    break;
                case "expires_at":
                    if (!absent && value.ValueKind != JsonValueKind.String) return null;
                    result = result with { ExpiresAt = absent ? null : value.GetString() };
                    break;
                case "policy_approved":
                    if (!absent && value.ValueKind is not (JsonValueKind.True or JsonValueKind.False)) return null;
                    break;
                case "broad_reason":
                    if (!absent && value.ValueKind != JsonValueKind.String) return null;
                    break;
                case "budget":
                    break; // B15: the Coordinator's own, of no meaning here
                default:
                    return null;
            }
        }

        if (depth is { } d && hops is { } h && d != h)
        {
            return null;
        }

        var limit = hops ?? depth ?? 1;
        return limit > MaximumHops ? null : result with { MaxHops = limit == 0 ? 1 : limit };
    }

    private static bool IsCount(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= 0;

    private static ImmutableArray<string>? Texts(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var list = ImmutableArray.CreateBuilder<string>(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String)
            {
                return null;
            }

            list.Add(item.GetString()!);
        }

        return list.ToImmutable();
    }
}
