using Caracal.Storage;

namespace Caracal.Coordinator;

/// <summary>The transaction locks shared with the STS and the API; always the session lock first (coordinator.md 4).</summary>
internal static class ZoneLocks
{
    public static Task SessionsAsync(Work work, string zoneId) => work.LockAsync($"coordinator:session_start:{zoneId}");

    public static Task DelegationsAsync(Work work, string zoneId) => work.LockAsync($"delegation:{zoneId}");

    public static async Task BothAsync(Work work, string zoneId)
    {
        await SessionsAsync(work, zoneId);
        await DelegationsAsync(work, zoneId);
    }
}
