namespace Caracal.Gateway.Exchange;

/// <summary>
/// Spares a failing STS (gateway.md A8): three failures close together open the circuit for 10 s, then one probe goes
/// through and decides. Any answer that is not "STS unavailable" closes it.
/// </summary>
internal sealed class StsCircuit(TimeProvider time)
{
    public static readonly TimeSpan OpenFor = TimeSpan.FromSeconds(10);

    // Failures further apart than this are not one outage.
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);
    private const int Threshold = 3;

    private readonly Lock _turn = new();
    private volatile bool _troubled;
    private int _failures;
    private long _lastFailure;
    private long _openedAt;
    private bool _open;
    private bool _probing;

    /// <summary>Gauge <c>sts_circuit_open</c>.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_turn)
            {
                return _open;
            }
        }
    }

    /// <summary>True when a call may go out now. Every call let through must be answered by <see cref="Report"/> or <see cref="Abandon"/>.</summary>
    public bool TryEnter()
    {
        if (!_troubled)
        {
            return true; // the common case takes no lock
        }

        lock (_turn)
        {
            if (!_open)
            {
                return true;
            }

            if (_probing || time.GetElapsedTime(_openedAt) < OpenFor)
            {
                return false;
            }

            _probing = true;
            return true;
        }
    }

    /// <summary>What came of a call. Returns true when this failure opened the circuit.</summary>
    public bool Report(bool failed)
    {
        if (!failed && !_troubled)
        {
            return false;
        }

        lock (_turn)
        {
            _probing = false;
            if (!failed)
            {
                _troubled = _open = false;
                _failures = 0;
                return false;
            }

            var together = _failures > 0 && time.GetElapsedTime(_lastFailure) < Window;
            _failures = together ? _failures + 1 : 1;
            _lastFailure = time.GetTimestamp();
            _troubled = true;
            if (!_open && _failures < Threshold)
            {
                return false;
            }

            var opened = !_open;
            _open = true;
            _openedAt = time.GetTimestamp();
            return opened;
        }
    }

    /// <summary>The caller went away before the STS answered: nothing was learnt, and a probe may be sent again.</summary>
    public void Abandon()
    {
        if (!_troubled)
        {
            return;
        }

        lock (_turn)
        {
            _probing = false;
        }
    }
}
