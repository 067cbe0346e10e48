namespace Caracal.Authority.AdminAccess;

/// <summary>What an admin token may do; the default may nothing but look.</summary>
public enum AdminCapability
{
    Read,
    Write,
    Approve,
}

/// <summary>What a route does, for the matrix of api.md 2.1.</summary>
public enum AdminNeed
{
    /// <summary>Changes something. The default, so that a route nobody classified is closed to readers.</summary>
    Change,

    /// <summary>Looks.</summary>
    Look,

    /// <summary>Decides an approval.</summary>
    Decide,
}

/// <summary>Who calls the management routes.</summary>
public sealed record AdminCaller
{
    /// <summary><c>created_by</c> of the row seeded from <c>CARACAL_ADMIN_TOKEN</c>.</summary>
    public const string Deployment = "env-bootstrap";

    public required string TokenId { get; init; }

    public required string Name { get; init; }

    public required AdminCapability Capability { get; init; }

    /// <summary>Null for a global token.</summary>
    public required string? ZoneId { get; init; }

    public required string CreatedBy { get; init; }

    /// <summary>The account a console-derived token acts for.</summary>
    public string? AccountId { get; init; }

    public bool IsGlobal => ZoneId is null;

    public string Scope => IsGlobal ? "global" : "zone";

    public bool IsDeployment => CreatedBy == Deployment;

    public bool IsDerived => CreatedBy.StartsWith("env-derived", StringComparison.Ordinal);

    /// <summary>What attribution columns say (api.md 3).</summary>
    public string Actor => AccountId ?? $"admin:{TokenId}";
}

/// <summary>The capability and zone matrix of api.md 2.1, in its order. Null means: go on.</summary>
public static class AdminAccessRules
{
    /// <summary>Global paths a zone token may call.</summary>
    private static readonly string[] SharedPaths = ["/v1/policies/validate", "/v1/policy-templates"];

    public static string? CapabilityRefusal(AdminCaller caller, AdminNeed need) => need switch
    {
        AdminNeed.Look => null,
        AdminNeed.Decide when caller.Capability == AdminCapability.Approve || caller.IsDeployment => null,
        AdminNeed.Decide when caller.Capability == AdminCapability.Read => "admin_token_read_only",
        AdminNeed.Decide => "approve_capability_required",
        _ => caller.Capability switch
        {
            AdminCapability.Write => null,
            AdminCapability.Approve => "admin_token_approve_only",
            _ => "admin_token_read_only",
        },
    };

    /// <param name="caller">Who calls.</param>
    /// <param name="path">The path, decoded.</param>
    /// <param name="zoneId">The segment after <c>/v1/zones/</c>, decoded; null elsewhere.</param>
    public static string? ZoneRefusal(AdminCaller caller, string path, string? zoneId)
    {
        if (caller.IsGlobal) return null;
        if (zoneId is not null) return zoneId == caller.ZoneId ? null : "admin_token_zone_mismatch";
        return SharedPaths.Any(shared => path == shared || path.StartsWith(shared + "/", StringComparison.Ordinal))
            ? null
            : "admin_token_zone_mismatch";
    }

    /// <summary>Global paths an account-bound token may call (api.md 2.4).</summary>
    public static bool AccountMayCall(string path, string method)
    {
        var look = method is "GET" or "HEAD";
        return path switch
        {
            "/v1/zones" => look || method == "POST",
            "/v1/policies/validate" => method == "POST",
            "/v1/audit-retention" or "/v1/mint-rate-limit" => look || method == "PUT",
            _ => (look && (path == "/v1/policy-templates" || path.StartsWith("/v1/policy-templates/", StringComparison.Ordinal)))
                || (look && path.StartsWith("/v1/operations/", StringComparison.Ordinal))
                || path.StartsWith("/v1/operator/", StringComparison.Ordinal),
        };
    }
}
