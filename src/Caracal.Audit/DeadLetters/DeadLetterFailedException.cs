namespace Caracal.Audit.DeadLetters;

/// <summary>A dead letter could not be written: its source must stay pending (streams.md 6.6).</summary>
internal sealed class DeadLetterFailedException(Exception inner) : Exception("the dead letter could not be written", inner);
