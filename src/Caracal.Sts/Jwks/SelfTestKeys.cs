using System.Security.Cryptography;
using Caracal.Hosting.Http;
using Caracal.Hosting.Keys;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.Storage.SigningKeys;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Jwks;

/// <summary><c>POST /internal/keys/selftest</c> (operations.md 6.1): whether every zone's keys open here, and verify what they have signed or will sign.</summary>
internal sealed class SelfTestKeys(SigningKeyStore store, ZoneKeyring keyring, MetricsAccess access)
{
    private static readonly byte[] Sample = "caracal key self test"u8.ToArray();

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (!access.Allows(context.Request))
        {
            // Whoever may not know is not told that there is something to know.
            await ErrorBody.WriteAsync(context, StsErrors.NotFound);
            return;
        }

        try
        {
            var zones = new HashSet<string>(StringComparer.Ordinal);
            var failed = new List<string>();
            foreach (var (zoneId, row) in await store.ListLivingAsync(context.RequestAborted))
            {
                zones.Add(zoneId);
                if ((keyring.TryOpen(row) is not { } key || !Works(key)) && !failed.Contains(zoneId))
                {
                    failed.Add(zoneId);
                }
            }

            await KeySelfTestAnswer.WriteAsync(context, zones.Count, failed, zones.Count - failed.Count);
        }
        catch (StorageUnavailableException)
        {
            await ErrorBody.WriteAsync(context, StsErrors.Unavailable);
        }
    }

    private static bool Works(OpenedKey key)
    {
        using (key.Private)
        {
            Span<byte> signature = stackalloc byte[Keys.Signatures.SigningKey.SignatureSize];
            try
            {
                key.Private.Sign(Sample, signature);
                return key.Public.Verify(Sample, signature);
            }
            catch (CryptographicException)
            {
                return false;
            }
        }
    }
}
