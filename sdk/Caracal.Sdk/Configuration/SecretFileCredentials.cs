namespace Caracal.Sdk.Configuration;

/// <summary>A secret in a file that may be replaced while the client runs: looked at once a second at most, so a rotation needs no restart.</summary>
internal sealed class SecretFileCredentials(string zoneId, string applicationId, string path, TimeProvider time)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    private readonly Lock _turn = new();
    private CaracalCredentials? _current;
    private DateTime _written;
    private long _looked;

    public ValueTask<CaracalCredentials?> ResolveAsync(CancellationToken cancellationToken)
    {
        lock (_turn)
        {
            if (_current is not null && time.GetElapsedTime(_looked) < LookAgain) return new(_current);
            _looked = time.GetTimestamp();
            var written = File.GetLastWriteTimeUtc(path);
            if (_current is not null && written == _written) return new(_current);
            try
            {
                var fresh = new CaracalCredentials(zoneId, applicationId, OwnerOnly.ReadSecret(path));
                (_current, _written) = (fresh, written);
            }
            catch (Exception fault) when (_current is not null && fault is IOException or CaracalConfigurationException)
            {
                // Half replaced: the last whole secret serves until the file is good again.
            }

            return new(_current);
        }
    }
}
