using System.Security.Cryptography;
using System.Text;
using Caracal.Protocol;

namespace Caracal.Streams.Redis.Upkeep;

/// <summary>
/// One service as Redis knows it (operations.md 8): the keys it may touch and the commands it may run. What is not named
/// here the server refuses, so that a service that was taken over cannot rewrite another's stream.
/// </summary>
public sealed record RedisUser
{
    // The Gateway and the STS count what upstreams say to a new credential; the API reads it.
    private const string CredentialWatches = "credential-watch:*";

    private static readonly string[] Dialogue =
        ["+@stream", "+@read", "+@write", "+@connection", "+eval", "+evalsha", "+script|load", "+time", "-@dangerous", "+info", "+config|get"];

    private RedisUser(string service, params string[] keys)
    {
        Service = service;
        Keys = keys;
    }

    public static IReadOnlyList<RedisUser> All { get; } =
    [
        // The API relays the outbox of the STS as well as its own, so it writes to every topic of theirs.
        new("api",
            Topics.AuditEvents, Topics.PolicyInvalidate + "*", Topics.SessionsRevoke + "*", Topics.KeysInvalidate + "*",
            Topics.AgentsLifecycle + "*", Topics.DelegationsInvalidate + "*", "rl:*", "api:*", "policy:shadow*", "caracal:control:*", CredentialWatches, "stream-failure:*"),
        new("sts",
            Topics.AuditEvents, Topics.PolicyInvalidate + "*", Topics.SessionsRevoke + "*", Topics.KeysInvalidate + "*",
            Topics.AgentsLifecycle + "*", Topics.DelegationsInvalidate + "*", "caracal.providers.ratelimit",
            "rl:*", "auth-rl:*", "audit:jti:*", "policy:shadow*", "caracal:sts:*", "provider-refresh*", CredentialWatches, "stream-failure:*"),
        new("gateway",
            Topics.AuditEvents, Topics.SessionsRevoke + "*", Topics.AgentsLifecycle + "*", Topics.KeysInvalidate + "*",
            Topics.DelegationsInvalidate + "*", "seen:jti:*", CredentialWatches, "stream-failure:*"),
        new("coordinator",
            Topics.AuditEvents, Topics.AgentsLifecycle + "*", Topics.SessionsRevoke + "*", Topics.KeysInvalidate + "*",
            Topics.DelegationsInvalidate + "*", Topics.InvocationsLifecycle + "*", Topics.PolicyInvalidate + "*",
            "coordinator:*", "stream-failure:*"),
        new("audit",
            Topics.AuditEvents + "*", "audit-deliveries:*", "stream-failure:*"),
    ];

    /// <summary>The service's name in lower case.</summary>
    public string Service { get; }

    /// <summary>Patterns of the keys it may read and write.</summary>
    public IReadOnlyList<string> Keys { get; }

    public string Name => "caracal-" + Service;

    /// <summary>The variable that holds its password for provisioning.</summary>
    public string PasswordVariable => $"CARACAL_{Service.ToUpperInvariant()}_REDIS_PASSWORD";

    /// <summary>The <c>ACL SETUSER</c> command; the password goes as its hash, so that it is in no log and no <c>MONITOR</c>.</summary>
    public IReadOnlyList<string> SetCommand(string password) =>
    [
        "ACL", "SETUSER", Name, "reset", "on", "#" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(password))),
        .. Keys.Select(key => "~" + key), "-@all", .. Dialogue,
    ];
}
