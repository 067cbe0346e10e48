namespace Caracal.Evidence.Ledger;

/// <summary>
/// What retention leaves of a row that a seal covers and that lies behind a row which stays: all that the seal's digest needs of
/// it. No key vouches for it. The seal does: another text gives another digest.
/// </summary>
/// <param name="Chain">Zone id.</param>
/// <param name="ChainSeq">Its place.</param>
/// <param name="ContentSha256">As the row had it.</param>
/// <param name="ChainHmac">As the row had it.</param>
public sealed record RemovedRow(string Chain, long ChainSeq, string ContentSha256, string? ChainHmac);

/// <summary>
/// What retention leaves of the first rows of a sealed epoch: their digest. No key vouches for it, but whoever could find
/// another one from which the rows that are left give the sealed digest could find preimages of SHA-256.
/// </summary>
/// <param name="LastSeq">No row of the epoch up to here is left.</param>
/// <param name="RowCount">How many there were.</param>
/// <param name="Digest">64 lower-case hex characters of <see cref="EpochDigest"/>.</param>
public sealed record RemovedStart(long LastSeq, long RowCount, string Digest);
