using Microsoft.Extensions.Logging;

namespace Caracal.Sts.Jwks;

/// <summary>Log lines of signing keys; never key material.</summary>
internal static partial class KeyLog
{
    [LoggerMessage(EventId = 2010, EventName = "signing_key_unusable", Level = LogLevel.Error,
        Message = "zone signing key {KeyId} cannot be used: {Outcome}")]
    public static partial void SigningKeyUnusable(ILogger logger, string keyId, string outcome);
}
