namespace Caracal.Sdk;

/// <summary>A refusal or failure of the platform, as the service that answered described it.</summary>
public class CaracalException : Exception
{
    /// <summary>Creates the error of one answer.</summary>
    /// <param name="code">The service's <c>error</c>, one of <see cref="CaracalErrorCodes"/> or another.</param>
    /// <param name="message">For people.</param>
    /// <param name="httpStatus">Status of the answer; 0 when there was none.</param>
    /// <param name="requestId">What the ledger knows the request by; null when no service answered.</param>
    /// <param name="inner">The cause.</param>
    public CaracalException(string code, string message, int httpStatus = 0, string? requestId = null, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        HttpStatus = httpStatus;
        RequestId = requestId;
    }

    public string Code { get; }

    public int HttpStatus { get; }

    public string? RequestId { get; }

    /// <summary>True when the same request may succeed later: the STS or a provider is busy, or status 408, 425, 429 or 5xx.</summary>
    public bool IsRetryable =>
        Code is CaracalErrorCodes.StsUnavailable or "provider_rate_limited" || HttpStatus is 408 or 425 or 429 or >= 500;
}

/// <summary>Codes worth telling apart (sdk.md 8).</summary>
public static class CaracalErrorCodes
{
    public const string InvalidRequest = "invalid_request";
    public const string AccessDenied = "access_denied";
    public const string InvalidToken = "invalid_token";
    public const string ZoneInvalid = "zone_invalid";
    public const string ResourceNotFound = "resource_not_found";
    public const string ScopeInsufficient = "scope_insufficient";
    public const string OperationNotPermitted = "operation_not_permitted";
    public const string DelegationRequired = "delegation_required";
    public const string StsUnavailable = "sts_unavailable";
    public const string InteractionRequired = "interaction_required";
    public const string ApprovalConsumed = "approval_consumed";
}

/// <summary>A person has to approve before the request can go on.</summary>
public sealed class ApprovalRequiredException : CaracalException
{
    public ApprovalRequiredException(string approvalId, string message, int httpStatus, string? requestId)
        : base(CaracalErrorCodes.InteractionRequired, message, httpStatus, requestId) => ApprovalId = approvalId;

    /// <summary>What <see cref="CaracalClient.WaitForApprovalAsync"/> waits for.</summary>
    public string ApprovalId { get; }

    /// <summary>State when the answer was given, <c>pending</c> as a rule.</summary>
    public string? State { get; init; }

    public string? Tier { get; init; }

    /// <summary>Digest of what is approved; a decision names it.</summary>
    public string? Binding { get; init; }

    public string? Resource { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>The Coordinator answered with an error, or not at all (status 0).</summary>
public sealed class CoordinatorException : CaracalException
{
    internal const int LongestBody = 2048;

    public CoordinatorException(string method, string path, int httpStatus, string code, string? requestId, string body, Exception? inner = null)
        : base(code, $"{method} {path}: {(httpStatus == 0 ? "no answer" : $"{httpStatus} {code}")}", httpStatus, requestId, inner)
    {
        Method = method;
        Path = path;
        Body = body.Length > LongestBody ? body[..LongestBody] : body;
    }

    public string Method { get; }

    public string Path { get; }

    /// <summary>The answer's body, at most 2048 characters.</summary>
    public string Body { get; }

    /// <summary>What the service asked to wait; null when it did not ask.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>True when the Session is over or belongs to another holder: trying again cannot help.</summary>
    public bool IsTerminal => HttpStatus == 404 || (HttpStatus == 409 && Code is
        "already_terminated" or "session_not_live" or "session_not_found_or_not_active" or "session_lease_fenced" or "session_subject_inactive");
}

/// <summary>There are no credentials to ask the STS with; nothing is called (fail closed).</summary>
public sealed class CredentialsUnavailableException(string message) : CaracalException("credentials_unavailable", message);

/// <summary>A request carries no mandate where one is needed.</summary>
public sealed class MissingTokenException(string message) : CaracalException("missing_token", message);

/// <summary>The client cannot be made of this configuration; the message names every fault at once.</summary>
public sealed class CaracalConfigurationException(string message) : CaracalException("configuration_invalid", message);
