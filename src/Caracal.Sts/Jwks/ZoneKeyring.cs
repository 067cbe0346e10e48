using System.Collections.Immutable;
using System.Security.Cryptography;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Storage.SigningKeys;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Health;
using Microsoft.Extensions.Logging;

namespace Caracal.Sts.Jwks;

/// <summary>Opens, makes and rotates zone signing keys (sts.md 6.2).</summary>
internal sealed class ZoneKeyring(SigningKeyStore store, KekRing kek, DatabaseClock clock, StsMetrics metrics, ILogger logger)
{
    /// <summary>Opens the rows; a key that <paramref name="before"/> already holds open is taken over. One that does not open is skipped, counted and logged.</summary>
    public ZoneKeySet Open(ImmutableArray<SigningKeyRow> rows, ZoneKeySet? before)
    {
        var keys = ImmutableArray.CreateBuilder<OpenedKey>(rows.Length);
        foreach (var row in rows)
        {
            var known = before?.All.FirstOrDefault(key => key.KeyId == row.KeyId);
            if (known is not null)
            {
                keys.Add(known with { State = row.State, ActivatesAt = row.ActivatesAt });
            }
            else if (TryOpen(row) is { } opened)
            {
                keys.Add(opened);
            }
        }

        return new ZoneKeySet(keys.ToImmutable(), rows.Length - keys.Count);
    }

    /// <summary>Makes the zone's first key if it has none that signs. False when the zone does not exist.</summary>
    public Task<bool> EnsureAsync(string zoneId, CancellationToken cancellationToken) =>
        store.EnsureAsync(zoneId, Ids.New(), NewEnvelope(), clock.Now, cancellationToken);

    /// <summary>Replaces the signing key at once; returns the new key id, or null when the zone does not exist.</summary>
    public async Task<string?> RotateAsync(string zoneId, bool retirePrevious, CancellationToken cancellationToken)
    {
        var keyId = Ids.New();
        return await store.RotateAsync(zoneId, keyId, NewEnvelope(), retirePrevious, clock.Now, cancellationToken) ? keyId : null;
    }

    /// <summary>Writes down every <c>next</c> key that has begun to sign.</summary>
    public async Task ActivateDueAsync(CancellationToken cancellationToken)
    {
        foreach (var zoneId in await store.ListDueZonesAsync(clock.Now, cancellationToken))
        {
            await store.ActivateDueAsync(zoneId, clock.Now, cancellationToken);
        }
    }

    /// <summary>Opens one row by itself; null, counted and logged, when it does not open. The caller disposes the private key.</summary>
    public OpenedKey? TryOpen(SigningKeyRow row)
    {
        var outcome = Css1Envelope.Open(kek, SealedLocations.ZoneSigningKey, row.Envelope, out var pem);
        using (pem)
        {
            if (outcome == Css1Outcome.Opened)
            {
                try
                {
                    var key = SigningKey.FromSec1Pem(pem!.Span);
                    if (EcPublicKey.TryCreate(row.KeyId, key.X.Span, key.Y.Span) is { } verifier)
                    {
                        return new OpenedKey(row.KeyId, row.State, row.ActivatesAt, key, verifier);
                    }
                }
                catch (CryptographicException)
                {
                    // Counted below: the value opened but holds no usable key.
                }
            }
        }

        metrics.InvalidSigningKey();
        KeyLog.SigningKeyUnusable(logger, row.KeyId, outcome.ToString());
        return null;
    }

    private byte[] NewEnvelope()
    {
        using var key = SigningKey.Generate();
        using var pem = key.ToSec1Pem();
        return Css1Envelope.Seal(kek, SealedLocations.ZoneSigningKey, pem.Span);
    }
}
