namespace Caracal.Authority.TokenExchange;

/// <summary>The operation floor of an enforced resource (sts.md 2.2 step 4). No policy can relax it.</summary>
public static class OperationRules
{
    /// <summary>True when a declared operation has this method and exact path, and its scope is one of the mandate's.</summary>
    public static bool Permits(ExchangeResource resource, string? method, string? path, IReadOnlyList<string> mandateScopes)
    {
        if (!resource.OperationsEnforced)
        {
            return true;
        }

        if (string.IsNullOrWhiteSpace(method) || string.IsNullOrWhiteSpace(path))
        {
            return false;
        }

        // Nothing is trimmed off the request: what goes upstream is these very bytes.
        foreach (var operation in resource.Operations)
        {
            if (string.Equals(method, operation.Method, StringComparison.OrdinalIgnoreCase)
                && string.Equals(path, operation.Path, StringComparison.Ordinal)
                && Scopes.Contains(mandateScopes, operation.Scope))
            {
                return true;
            }
        }

        return false;
    }
}
